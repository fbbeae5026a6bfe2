"""A small service of the tests' own: things that have a count."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from marshmallow import fields

from shared.cause import own_initiative
from shared.ids import new_id
from shared.messaging.changes import Change
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay
from shared.messaging.topics import Topic, ensure_topics, service_topics, state_topic
from shared.mongo.aggregates import Aggregate
from shared.mongo.database import Database
from shared.schemas import Resource
from shared.settings import Settings


class Thing(Resource):
    count = fields.Integer()


@pytest.fixture
def service(db_for: Any, settings_for: Callable[..., Settings]) -> SimpleNamespace:
    """Database, settings, topics and one aggregate of a service whose name no other test has."""
    name = f"t{new_id()[-8:]}"
    settings = settings_for(name, kafka=True)
    topic = f"uso.{name}.things.v1"
    things = Aggregate(
        name="thing",
        collection="things",
        source=f"/uso/{name}",
        topic=topic,
        schema=Thing,
        message_types={"thing.created": Change, "thing.updated": Change},
    )
    db = db_for(name)
    db.prepare([things], {"copies": [], "effects": []})
    ensure_topics([state_topic(topic), *service_topics(name)], settings)
    return SimpleNamespace(name=name, settings=settings, topic=topic, things=things, db=db)


def write_things(service: SimpleNamespace, count: int, *, keys: int = 5) -> list[str]:
    """`count` commits, each a new thing or the next version of one; returns the things' ids."""
    ids = [new_id() for _ in range(keys)]
    for number in range(count):
        identifier = ids[number % keys]

        def work(uow: Any, identifier: str = identifier, number: int = number) -> Any:
            before = uow.find_one("things", {"_id": identifier})
            if before is None:
                return uow.insert(service.things, {"_id": identifier, "count": number}, "thing.created")
            return uow.save(service.things, before, {"count": number}, "thing.updated")

        service.db.transact(work, cause=own_initiative("test"))
    return ids


@pytest.fixture
def write() -> Callable[..., list[str]]:
    return write_things


@contextmanager
def in_thread(run: Callable[[], None]) -> Iterator[SimpleNamespace]:
    state = SimpleNamespace(error=None, thread=None)

    def guarded() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 - kept for the test to look at
            state.error = error

    state.thread = threading.Thread(target=guarded, daemon=True)
    state.thread.start()
    yield state


@pytest.fixture
def relaying() -> Callable[..., Any]:
    @contextmanager
    def start(service: SimpleNamespace) -> Iterator[SimpleNamespace]:
        stop = threading.Event()
        relay = Relay(service.db, service.settings)
        with in_thread(lambda: relay.run(lambda: not stop.is_set())) as state:
            yield state
            stop.set()
            state.thread.join(15)

    return start


@pytest.fixture
def consuming() -> Callable[..., Any]:
    @contextmanager
    def start(
        service: SimpleNamespace, subscriptions: Any, *, db: Database | None = None, **options: Any
    ) -> Iterator[Consumer]:
        stop = threading.Event()
        consumer = Consumer(db or service.db, service.settings, subscriptions, stop=stop, **options)
        with in_thread(consumer.run) as state:
            yield consumer
            stop.set()
            state.thread.join(15)

    return start


@pytest.fixture
def read_topic() -> Callable[..., list[Any]]:
    """All committed records of a topic, from the start to its present end."""

    def read(settings: Settings, topic: str) -> list[Any]:
        consumer = KafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap_servers,
            group_id=None,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=20,
        )
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        records: list[Any] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for found in consumer.poll(timeout_ms=100).values():
                records.extend(found)
        consumer.close()
        return records

    return read


@pytest.fixture
def produce(service: SimpleNamespace) -> Iterator[Callable[..., None]]:
    """Writes raw records to the service's topic."""
    producer = KafkaProducer(bootstrap_servers=service.settings.kafka_bootstrap_servers, enable_idempotence=True)

    def send(records: list[tuple[bytes | None, bytes | None]], topic: str | None = None) -> None:
        futures = [producer.send(topic or service.topic, key=key, value=value) for key, value in records]
        producer.flush()
        for future in futures:
            future.get(10)

    yield send
    producer.close()


__all__ = ["Topic"]

"""A small service of the tests' own that copies things and follows them, with its operator."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import KafkaProducer

from ops import worker
from ops.context import OpsContext
from ops.extension import OPERATIONS
from ops.jobs import KINDS
from shared.ids import new_id
from shared.messaging.consumer import Consumer
from shared.messaging.topics import ensure_topics
from shared.mongo.database import Database
from shared.service import Service
from shared.settings import Settings
from tests.ops.things import Mood, things
from tests.support import Client, wait_for

Json = dict[str, Any]


class Operation:
    """The service under test and its operator."""

    def __init__(self, service: Service, settings: Settings, db: Database, client: Client, mood: Mood) -> None:
        self.service = service
        self.settings = settings
        self.db = db
        self.client = client
        self.topic = service.topics[0].name
        self.mood = mood

    @property
    def context(self) -> OpsContext:
        return OPERATIONS.context(self.service, self.settings, self.db)

    def get(self, path: str, status: int = 200, **query: Any) -> Json:
        answer = self.client.get(f"/v1/ops/{path}", role="operator", query_string=query)
        assert answer.status_code == status, answer.text
        return dict(answer.json)

    def post(self, path: str, status: int = 202, *, headers: Json | None = None, **body: Any) -> Json:
        answer = self.client.post(f"/v1/ops/{path}", role="operator", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return dict(answer.json)

    def work(self, process: str = "worker-2", stop: threading.Event | None = None) -> bool:
        """One worker takes one job as far as it goes."""
        settings = Settings(**(vars(self.settings) | {"process_name": process}))
        return worker.work_on_one(OPERATIONS.context(self.service, settings, self.db), stop or threading.Event())

    def done(self, job: Json) -> Json:
        """The job after a worker has done it."""

        def ended() -> Json | None:
            self.work()
            now = self.get(f"{KINDS[job['kind']]}/{job['id']}")
            return now if now["ended_at"] else None

        done = wait_for(ended, seconds=60, what="the job to be done")
        assert done["state"] == "completed", done
        return done

    def projections(self) -> dict[str, Json]:
        return {row["_id"]: row for row in self.db["copies"].find()}

    def effects(self) -> list[str]:
        return [row["message"] for row in self.db["effects"].find()]

    def letter(self) -> Json:
        """The only dead letter, once it is there."""
        return wait_for(lambda: self.get("dead-letters")["items"])[0]

    @contextmanager
    def consuming(self, **options: Any) -> Iterator[Consumer]:
        stop = threading.Event()
        consumer = Consumer(self.db, self.settings, self.service.subscriptions, stop=stop, **options)
        thread = threading.Thread(target=consumer.run, daemon=True)
        thread.start()
        yield consumer
        stop.set()
        thread.join(15)

    def has_projections(self, count: int) -> None:
        wait_for(lambda: len(self.projections()) >= count, seconds=60, what=f"{count} documents")

    def has_handled(self, count: int) -> None:
        wait_for(lambda: len(self.effects()) >= count, seconds=60, what=f"{count} effects")


@pytest.fixture
def operation(db_for: Any, settings_for: Callable[..., Settings], client_for: Any) -> Operation:
    name = f"o{new_id()[-8:]}"
    mood = Mood()
    service = things(name, mood)
    db, settings = db_for(name), settings_for(name, kafka=True)
    service.prepare(db)
    operation = Operation(service, settings, db, client_for(service.app(settings, db)), mood)
    ensure_topics(operation.context.owned, settings)
    return operation


@pytest.fixture
def produce(operation: Operation) -> Iterator[Callable[..., None]]:
    """Writes raw records to the service's topic."""
    producer = KafkaProducer(
        bootstrap_servers=operation.settings.kafka_bootstrap_servers, enable_idempotence=True, batch_size=131072
    )

    def send(*records: tuple[bytes | None, bytes | None], headers: Any = None) -> None:
        futures = [
            producer.send(operation.topic, key=key, value=value, headers=headers or []) for key, value in records
        ]
        producer.flush()
        for future in futures:
            future.get(10)

    yield send
    producer.close()

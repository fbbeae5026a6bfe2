"""Reading the topics as any other system would: a plain Kafka consumer."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition

from deploy.local.demo.checks import WentWrong
from deploy.local.security import client_settings
from shared.messaging.kafka_clients import make_consumer

TOPIC = re.compile(r"uso\.[a-z]+\.(?!relay-offsets)[a-z-]+\.v\d+")
DEAD_LETTERS = re.compile(r"uso\.[a-z]+\.dead-letters\.v1")
CONTACTS = "uso.enrolment.contacts.v1"
QUIET_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record; `type` without `fi.uso.`, `text` the value as it stands there."""

    topic: str
    key: str
    id: str
    type: str
    sequence: int
    state: dict[str, Any]
    text: str


def read_topics(
    kafka: Mapping[str, Any], *, complete: Callable[[list[Record]], bool], seconds: float = 20
) -> list[Record]:
    """Everything committed on the public topics, from the start until `complete` and nothing more comes.

    `kafka` is what stack.json says of it.

    Raises WentWrong when it is not complete after `seconds`.
    """
    settings = client_settings(kafka, "demo")
    consumer = make_consumer(settings, "uso-demo", max_poll_records=5000)
    try:
        topics = sorted(topic for topic in consumer.topics() if TOPIC.fullmatch(topic))
        if not topics:
            raise WentWrong("Kafka has none of the topics")
        consumer.assign(
            [TopicPartition(name, number) for name in topics for number in sorted(consumer.partitions_for_topic(name))]
        )
        consumer.seek_to_beginning()
        records: list[Record] = []
        started = quiet_since = time.monotonic()
        done = False
        while not done or time.monotonic() - quiet_since < QUIET_SECONDS:
            polled = consumer.poll(timeout_ms=100)
            now = time.monotonic()
            for found in polled.values():
                records += [_record(message) for message in found]
                quiet_since = now
            if polled or not done:
                done = complete(records)
            if not done and now - started > seconds:
                raise WentWrong(f"the topics do not hold all that happened, {seconds:g} seconds after it did")
        return records
    finally:
        consumer.close()


def newest(records: list[Record], topic: str) -> dict[str, Record]:
    """The last record of each key of a topic (order holds per key)."""
    return {record.key: record for record in records if record.topic == topic}


def _record(raw: Any) -> Record:
    key = (raw.key or b"").decode()
    text = (raw.value or b"").decode(errors="replace")
    if raw.value is None or DEAD_LETTERS.fullmatch(raw.topic):
        kind = "tombstone" if raw.value is None else "dead letter"
        return Record(topic=raw.topic, key=key, id="", type=kind, sequence=0, state={}, text=text)
    try:
        message = json.loads(text)
        return Record(
            topic=raw.topic,
            key=key,
            id=message["id"],
            type=message["type"].removeprefix("fi.uso."),
            sequence=int(message["sequence"]),
            state=message["data"]["state"],
            text=text,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WentWrong(f"{raw.topic}: a record is no CloudEvents document ({error})") from error

"""A producer that has no business on our topics: it writes poison, and repeats what stands there."""

import random
from collections.abc import Mapping
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

TOPICS = (
    "uso.enrolment.organisations.v1",
    "uso.enrolment.contacts.v1",
    "uso.enrolment.enrolments.v1",
    "uso.events.events.v1",
    "uso.events.registrations.v1",
    "uso.enrolment.workshop-days.v1",
)
POISON = (b"\xff\xfe not JSON", b"{}", b'{"id": "x", "type": "fi.uso.y", "sequence": "many", "data": {"state": {}}}')
# What one of its transactions puts on a topic, oldest first.
MOST = 20


class RogueProducer:
    """Marks what it writes by a header, so that the checker can tell it from the owner's."""

    def __init__(self, info: Mapping[str, Any], rng: random.Random) -> None:
        self.rng = rng
        self.servers = info["kafka"]["bootstrap_servers"].split(",")

    def interfere(self) -> str:
        """One of its tricks; what it was."""
        topic = self.rng.choice(TOPICS)
        trick = self.rng.choice(["poison", "duplicates", "old messages"])
        if trick == "poison":
            poison = self.rng.choice(POISON)
            self._write(topic, [(b"somebody", poison, [("foreign", b"poison")])])
            return trick
        there = self._read(topic)
        chosen = self.rng.sample(there, min(MOST, len(there)))
        if trick == "old messages":
            chosen = sorted(chosen, key=lambda record: -record.offset)
        self._write(topic, [(record.key, record.value, [*record.headers, ("foreign", b"again")]) for record in chosen])
        return trick

    def _read(self, topic: str) -> list[Any]:
        consumer = KafkaConsumer(
            bootstrap_servers=self.servers,
            group_id=None,
            isolation_level="read_committed",
            enable_auto_commit=False,
            fetch_max_wait_ms=20,
        )
        try:
            partitions = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic) or ()]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            found = consumer.poll(timeout_ms=2000)
            return [record for records in found.values() for record in records if "foreign" not in dict(record.headers)]
        finally:
            consumer.close()

    def _write(self, topic: str, records: list[tuple[bytes, bytes | None, list[tuple[str, bytes]]]]) -> None:
        producer = KafkaProducer(bootstrap_servers=self.servers, enable_idempotence=True)
        try:
            futures = [producer.send(topic, key=key, value=value, headers=list(more)) for key, value, more in records]
            for future in futures:
                future.get(20)
        finally:
            producer.close(timeout=10)

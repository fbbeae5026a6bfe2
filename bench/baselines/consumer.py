"""The consumer's work by hand, as fast as it reasonably goes: what ours is measured against."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from shared.mongo.database import Database

Batch = Mapping[TopicPartition, Sequence[Any]]
EFFECTS, PROJECTIONS, SEEN, OFFSETS = "effects", "copies", "seen", "offsets"
COLLECTIONS = (EFFECTS, PROJECTIONS, SEEN, OFFSETS)


@dataclass
class Pace:
    """How many messages were done when; the first batch, with whatever had to start first, is left out."""

    first: tuple[int, float] | None = None
    done: int = 0
    last: float = 0.0

    def count(self, messages: int) -> None:
        self.done, self.last = self.done + messages, time.perf_counter()
        self.first = self.first or (self.done, self.last)

    @property
    def per_second(self) -> float:
        assert self.first is not None
        counted, since = self.first
        return (self.done - counted) / (self.last - since)


def read(servers: list[str], topic: str, *, at_most: int, count: int) -> Iterator[Batch]:
    """`count` records of the topic, by bare kafka-python with options that make it fast."""
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        group_id=None,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=20,
        max_poll_records=at_most,
    )
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        while count > 0:
            polled = consumer.poll(timeout_ms=100)
            if polled:
                count -= sum(len(records) for records in polled.values())
                yield polled
    finally:
        consumer.close()


def in_one_transaction(db: Database, batch: Batch, *, effect: bool, copy: bool) -> None:
    """Seen ids, effects, copies and offsets of a batch together; a transaction that meets a seen id would fail."""
    now = datetime.now(UTC)
    documents = [json.loads(record.value) for records in batch.values() for record in records]
    offsets = {f"{partition.topic}/{partition.partition}": found[-1].offset + 1 for partition, found in batch.items()}

    def work(session: ClientSession) -> None:
        moves = [UpdateOne({"_id": name}, {"$set": {"next": offset}}, upsert=True) for name, offset in offsets.items()]
        db[OFFSETS].bulk_write(moves, session=session)
        if effect:
            db[SEEN].insert_many([{"_id": document["id"], "at": now} for document in documents], session=session)
            db[EFFECTS].insert_many([effect_of(document) for document in documents], session=session)
        if copy:
            newest = {document["subject"]: document for document in documents}
            db[PROJECTIONS].bulk_write([_upsert(document) for document in newest.values()], session=session)

    with db.client.start_session() as session:
        session.with_transaction(work, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority"))


def effect_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """A row that a policy would insert."""
    return {"message": document["id"], "thing": document["subject"], "sequence": document["sequence"]}


def _upsert(document: Mapping[str, Any]) -> UpdateOne:
    state = {**document["data"]["state"], "_id": document["subject"], "sequence": document["sequence"]}
    newer = {"$gt": [document["sequence"], {"$ifNull": ["$sequence", 0]}]}
    guard = [{"$replaceWith": {"$cond": [newer, {"$literal": state}, "$$ROOT"]}}]
    return UpdateOne({"_id": document["subject"]}, guard, upsert=True)


def paced(batches: Iterator[Batch], each: Callable[[Batch], None]) -> float:
    """Messages a second."""
    pace = Pace()
    for batch in batches:
        each(batch)
        pace.count(sum(len(records) for records in batch.values()))
    return pace.per_second


__all__ = ["COLLECTIONS", "EFFECTS", "PROJECTIONS", "Batch", "Pace", "effect_of", "in_one_transaction", "paced", "read"]

"""The offsets up to which each partition's records have had their effect: rows in the service's own database.

The transaction of the effects moves a row by compare-and-set, so a second consumer of the partition is fenced. An
offset is valid in one log only: each row has the topic's id (KIP-516), and a topic that was made anew is read from
its start.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from kafka import TopicPartition
from pymongo import InsertOne, UpdateOne

from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import OFFSETS, Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.telemetry.logs import get_logger
from shared.telemetry.metrics import TOPICS_REPLACED

log = get_logger(__name__)


class Fenced(Exception):
    """Another consumer has moved the partition's offset: the partition is not ours any more."""


class Positions:
    """The offsets of one group's assigned partitions. `kafka` is the KafkaConsumer that reads them."""

    def __init__(self, db: Database, group: str) -> None:
        self.db = db
        self.group = group
        self.kafka: Any = None
        self.offsets: dict[TopicPartition, int] = {}
        self._topic_ids: dict[str, str] = {}

    def load(self, partitions: Sequence[TopicPartition]) -> None:
        """Seeks to the offsets in the database: only they are exact. Raises PyMongoError, KafkaError."""
        ids = [self.row_id(partition) for partition in partitions]
        rows = {row["_id"]: row for row in self.db[OFFSETS].find({"_id": {"$in": ids}})}
        beginnings = self.kafka.beginning_offsets(list(partitions))
        ends = self.kafka.end_offsets(list(partitions))
        for partition in partitions:
            topic_id = self._current_topic_id(partition.topic)
            if topic_id is not None:
                self._topic_ids[partition.topic] = topic_id
            row = rows.get(self.row_id(partition))
            if row is None:
                offset = beginnings[partition]
            elif self._is_of_another_log(row, topic_id) or row["next"] > ends[partition]:
                offset = self._begin_anew(partition, row, beginnings[partition], topic_id)
            else:
                offset = row["next"]
            self.offsets[partition] = offset
            self.kafka.seek(partition, offset)

    def keep_only(self, partitions: set[TopicPartition]) -> None:
        """Drops the partitions that are no longer assigned."""
        for partition in set(self.offsets) - partitions:
            del self.offsets[partition]

    def replaced(self) -> list[TopicPartition]:
        """The partitions whose topic was made anew since they were loaded, as its id shows."""
        return [
            partition
            for partition in self.offsets
            if self._topic_ids.get(partition.topic) not in (None, self._current_topic_id(partition.topic))
        ]

    def move(self, uow: UnitOfWork, reached: Mapping[TopicPartition, int]) -> None:
        """Moves the rows from the present offsets to `reached`. Raises Fenced when one stands somewhere else."""
        operations = [
            UpdateOne(
                {"_id": self.row_id(partition), "next": self.offsets[partition]},
                {"$set": self._row(partition, offset, uow)},
            )
            for partition, offset in reached.items()
        ]
        result = self.db[OFFSETS].bulk_write(operations, session=uow.session)
        if result.matched_count == len(operations):
            return
        ids = [self.row_id(partition) for partition in reached]
        rows = {row["_id"] for row in uow.find(OFFSETS, {"_id": {"$in": ids}})}
        # Even a row already at the target offset means that we are fenced: another consumer committed those effects,
        # or we did and the reply was lost.
        if len(rows) > result.matched_count:
            raise Fenced
        for partition, offset in reached.items():
            if self.row_id(partition) not in rows:
                uow.write(OFFSETS, InsertOne({"_id": self.row_id(partition), **self._row(partition, offset, uow)}))

    def row_id(self, partition: TopicPartition) -> str:
        return f"{self.group}/{partition.topic}/{partition.partition}"

    def _row(self, partition: TopicPartition, offset: int, uow: UnitOfWork) -> Document:
        row: Document = {"next": offset, "at": uow.now}
        topic_id = self._topic_ids.get(partition.topic)
        return row if topic_id is None else {**row, "topic_id": topic_id}

    def _current_topic_id(self, topic: str) -> str | None:
        """The topic's id; None while the client does not know the topic."""
        topic_id = self.kafka._cluster.topic_id(topic)
        return None if topic_id is None else str(topic_id)

    @staticmethod
    def _is_of_another_log(row: Document, topic_id: str | None) -> bool:
        return topic_id is not None and row.get("topic_id", topic_id) != topic_id

    def _begin_anew(self, partition: TopicPartition, row: Document, beginning: int, topic_id: str | None) -> int:
        """The offset to go on from: the start, or what another consumer has set meanwhile."""
        log.critical(
            "the topic was lost, cut or made anew: it is read from its start",
            topic=partition.topic,
            partition=partition.partition,
            offset=row["next"],
            topic_id=topic_id,
            topic_id_before=row.get("topic_id"),
        )
        TOPICS_REPLACED.labels(self.group.rpartition(".")[2], partition.topic).inc()
        anew: Document = {"next": beginning, "topic_id": topic_id, "at": utc_now()}
        known = {"_id": row["_id"], "next": row["next"], "topic_id": row.get("topic_id")}
        if self.db[OFFSETS].update_one(known, {"$set": anew}).matched_count:
            return beginning
        there = self.db[OFFSETS].find_one({"_id": row["_id"]}) or anew
        return int(there["next"])

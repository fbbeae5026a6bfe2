"""The number of messages of each subscribed topic that wait for the service."""

import time
from collections.abc import Mapping
from typing import Any

from kafka import TopicPartition

from ops.context import OpsContext
from ops.reading import ANSWER_SECONDS, TopicReader, answering, reader
from shared.messaging.kafka_workarounds import position
from shared.mongo.aggregates import Document
from shared.mongo.database import OFFSETS

# An operator waits for this answer. Messages that cannot be counted in a second are estimated from offsets.
COUNT_SECONDS = 1.0
COUNT_LIMIT = 2000


def lag(context: OpsContext) -> list[Document]:
    """One row for each partition of each subscribed topic (partition None: there is no such topic).

    Raises Unavailable when Kafka does not answer.
    `lag` counts messages. Offsets also number the marks that end transactions, and records that compaction removed; so
    up to 2,000 offsets are read and their messages counted. Above that, `lag` is the difference of the offsets.
    """
    with answering(), reader(context.settings, seconds=ANSWER_SECONDS) as consumer:
        rows: list[Document] = []
        for topic in sorted(context.subscriptions):
            if not consumer.partitions_for_topic(topic):
                rows.append({"topic": topic, "partition": None, "end": None, "position": None, "moved_at": None})
                continue
            source = TopicReader(consumer, topic, ANSWER_SECONDS)
            for number, end in source.ends().items():
                rows.append({"topic": topic, "partition": number, "end": end, **_position(context, topic, number)})
        there = [row for row in rows if row["partition"] is not None]
        counted = _counted(consumer, there)
        for row in there:
            offsets = max(row["end"] - (row["position"] or 0), 0)
            row["lag"] = counted.get(TopicPartition(row["topic"], row["partition"]), offsets)
        return rows


def _position(context: OpsContext, topic: str, partition: int) -> Document:
    row = context.db[OFFSETS].find_one({"_id": f"uso.{context.service}/{topic}/{partition}"}) or {}
    return {"position": row.get("next"), "moved_at": row.get("at")}


def _counted(consumer: Any, rows: list[Document]) -> Mapping[TopicPartition, int]:
    """The number of messages between position and end, of the partitions that could be read in time."""
    behind = {
        TopicPartition(row["topic"], row["partition"]): row
        for row in rows
        if 0 < row["end"] - (row["position"] or 0) <= COUNT_LIMIT
    }
    consumer.assign(list(behind))
    for tp, row in behind.items():
        consumer.seek(tp, row["position"] or 0)
    found = dict.fromkeys(behind, 0)
    finished: dict[TopicPartition, int] = {}
    deadline = time.monotonic() + COUNT_SECONDS
    while len(finished) < len(behind) and time.monotonic() < deadline:
        for tp, records in consumer.poll(timeout_ms=50).items():
            found[tp] += sum(record.offset < behind[tp]["end"] for record in records)
        for tp, row in behind.items():
            if tp not in finished and (position(consumer, tp) or 0) >= row["end"]:
                finished[tp] = found[tp]
    return finished

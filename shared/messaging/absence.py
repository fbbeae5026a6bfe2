"""Measures how long a service's workers have been away. Its relay does it: absent workers cannot report themselves.

Compaction keeps every record for KAFKA_ABSENCE_HOURS. A record that a policy has not read by then may never have its
effect, so an operator must know in time.
"""

import time
from typing import Any

from kafka import TopicPartition

from shared.messaging.kafka_clients import make_consumer
from shared.messaging.kafka_workarounds import position
from shared.messaging.records import Record
from shared.mongo.database import OFFSETS, Database
from shared.settings import Settings
from shared.telemetry.logs import get_logger
from shared.telemetry.metrics import OLDEST_UNREAD

log = get_logger(__name__)

# Long enough to fetch a record of each partition, short enough for a thread that must end at a SIGTERM.
READ_SECONDS = 10.0


def oldest_unread(db: Database, settings: Settings) -> dict[str, float]:
    """The age in seconds of the oldest unread record, for each topic that the service reads; 0 without one.

    Raises KafkaError and PyMongoError.
    """
    offsets = _offsets(db, settings.service)
    waits = dict.fromkeys((partition.topic for partition in offsets), 0.0)
    consumer = make_consumer(settings, f"{settings.process_name}-absence")
    try:
        there = {partition for topic in waits for partition in _partitions(consumer, topic)}
        offsets = {partition: offset for partition, offset in offsets.items() if partition in there}
        ends = consumer.end_offsets(list(offsets)) if offsets else {}
        behind = {partition: offset for partition, offset in offsets.items() if offset < ends[partition]}
        for record in _first_records(consumer, behind, ends):
            age = max(time.time() - record.timestamp / 1000, 0.0)
            waits[record.topic] = max(waits[record.topic], age)
        return waits
    finally:
        consumer.close()


def report_absence(db: Database, settings: Settings) -> None:
    """Sets the metric, and logs a warning when half of the time has passed."""
    limit = settings.kafka_absence_hours * 3600
    for topic, seconds in oldest_unread(db, settings).items():
        OLDEST_UNREAD.labels(settings.service, topic).set(seconds)
        if seconds > limit / 2:
            log.error(
                "messages wait for a worker and may be compacted unread",
                topic=topic,
                hours=round(seconds / 3600, 1),
                limit_hours=settings.kafka_absence_hours,
            )


def _offsets(db: Database, service: str) -> dict[TopicPartition, int]:
    prefix = f"uso.{service}/"
    rows = db[OFFSETS].find(
        {"_id": {"$gte": prefix, "$lt": prefix[:-1] + "0"}}
    )  # "0" follows "/" in ASCII: the range has all ids with this prefix
    found = {}
    for row in rows:
        _, topic, number = row["_id"].split("/")
        found[TopicPartition(topic, int(number))] = row["next"]
    return found


def _partitions(consumer: Any, topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]


def _first_records(consumer: Any, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]) -> list[Record]:
    """The first committed record of each partition from its start offset, if there is one before its end."""
    consumer.assign(list(starts))
    for partition, start in starts.items():
        consumer.seek(partition, start)
    first: list[Record] = []
    left = set(starts)
    deadline = time.monotonic() + READ_SECONDS
    while left and time.monotonic() < deadline:
        for partition, records in consumer.poll(timeout_ms=200).items():
            if partition in left:
                first.append(records[0])
                left.discard(partition)
                consumer.pause(partition)
        left -= {partition for partition in left if (position(consumer, partition) or 0) >= ends[partition]}
    return first

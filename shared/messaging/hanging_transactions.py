"""Hanging transactions (KIP-664): Kafka calls them complete, but has not marked all of their records.

Seen with Kafka 4.3.0: a broker was killed after it had decided on a commit and before it wrote the markers. It came
back, noted the commit as complete, and wrote no markers. Readers see neither such records nor the records behind them
until the same producer's next marker. By then a restarted relay would have sent them a second time.
"""

import time
from typing import Any

from kafka import TopicPartition

from shared.messaging.kafka_clients import make_consumer
from shared.messaging.records import Record
from shared.messaging.topics import relay_offsets
from shared.mongo.aggregates import Document
from shared.settings import Settings
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

PATIENCE_SECONDS = 60.0
ABORTED = b"aborted"


class StillHanging(Exception):
    """The records without markers could not be aborted."""


def hanging_transactions(settings: Settings) -> list[TopicPartition]:
    """The partitions of the service's topics that hold records of an open transaction."""
    committed, all_of_them = (_ends(settings, level) for level in ("read_committed", "read_uncommitted"))
    return [partition for partition, end in all_of_them.items() if committed.get(partition, end) < end]


def hanging_records(settings: Settings) -> list[Document]:
    """The hanging records in the service's topics, in each partition's order, in the shape of journal rows.

    Raises StillHanging when they cannot be read within a minute.
    """
    starts, ends = (_ends(settings, level) for level in ("read_committed", "read_uncommitted"))
    hanging = [
        partition
        for partition, end in ends.items()
        if starts.get(partition, end) < end and partition.topic != relay_offsets(settings.service)
    ]
    if not hanging:
        return []
    found: list[Document] = []
    consumer = make_consumer(settings, f"{settings.process_name}-hanging", isolation_level="read_uncommitted")
    try:
        consumer.assign(hanging)
        for partition in hanging:
            consumer.seek(partition, starts[partition])
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(consumer.position(partition) < ends[partition] for partition in hanging):
            if time.monotonic() > deadline:
                raise StillHanging("the records could not be read")
            for records in consumer.poll(timeout_ms=200).values():
                found += [_row(record) for record in records if record.key != ABORTED]
        return found
    finally:
        consumer.close()


def _row(record: Record) -> Document:
    return {
        "topic": record.topic,
        "key": None if record.key is None else record.key.decode(),
        "value": record.value,
        "headers": record.headers,
    }


def abort_hanging_transactions(producer: Any, settings: Settings) -> None:
    """Aborts the records that an earlier producer with this `transactional_id` left without markers.

    After that they may be sent again. An aborted record in each such partition brings a marker, which also ends the
    open records before it. Call it when no transaction is under way. Raises StillHanging after a minute in vain.
    """
    partitions = hanging_transactions(settings)
    if not partitions:
        return
    log.warning("aborting records that hang without markers", partitions=[str(partition) for partition in partitions])
    producer.begin_transaction()
    futures = [
        producer.send(partition.topic, partition=partition.partition, key=ABORTED, value=b"")
        for partition in partitions
    ]
    producer.flush()
    if any(not future.is_done or future.failed() for future in futures):
        raise StillHanging("a record was not acknowledged")
    producer.abort_transaction()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := hanging_transactions(settings):
        if time.monotonic() > deadline:
            raise StillHanging(", ".join(str(partition) for partition in left))


def _ends(settings: Settings, isolation_level: str) -> dict[TopicPartition, int]:
    consumer = make_consumer(settings, f"{settings.process_name}-ends", isolation_level=isolation_level)
    try:
        own = [topic for topic in consumer.topics() if topic.startswith(f"uso.{settings.service}.")]
        partitions = [TopicPartition(topic, number) for topic in own for number in consumer.partitions_for_topic(topic)]
        ends: dict[TopicPartition, int] = consumer.end_offsets(partitions) if partitions else {}
        return ends
    finally:
        consumer.close()

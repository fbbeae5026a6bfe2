"""Transactions that Kafka calls complete, though it has not marked all of their records.

Seen with Kafka 4.3.0: a broker that was killed between deciding on a commit and writing its marks came back, noted
the commit as complete, and wrote none. Readers do not see such records, nor what is behind them in the partition,
until the same producer's next mark. By then a relay that has started anew would have sent them a second time.
"""

import time
from typing import Any

from kafka import TopicPartition

from shared.messaging.kafka_clients import make_consumer
from shared.settings import Settings
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

PATIENCE_SECONDS = 60.0


class StillHanging(Exception):
    """The records without marks could not be aborted."""


def hanging_transactions(settings: Settings) -> list[TopicPartition]:
    """The partitions of the service's topics that hold records of an open transaction."""
    committed, all_of_them = (_ends(settings, level) for level in ("read_committed", "read_uncommitted"))
    return [partition for partition, end in all_of_them.items() if committed.get(partition, end) < end]


def abort_hanging_transactions(producer: Any, settings: Settings) -> None:
    """Aborts what an earlier producer with this `transactional_id` has left without marks: it may be sent again then.

    An aborted record in each such partition brings the mark there, which counts for all that is open before it. To be
    called when no transaction is under way. Raises StillHanging when that does not help within a minute.
    """
    partitions = hanging_transactions(settings)
    if not partitions:
        return
    log.warning("aborting records that hang without marks", partitions=[str(one) for one in partitions])
    producer.begin_transaction()
    futures = [producer.send(one.topic, partition=one.partition, key=b"aborted", value=b"") for one in partitions]
    producer.flush()
    if any(not future.is_done or future.failed() for future in futures):
        raise StillHanging("a record was not acknowledged")
    producer.abort_transaction()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := hanging_transactions(settings):
        if time.monotonic() > deadline:
            raise StillHanging(", ".join(str(one) for one in left))


def _ends(settings: Settings, isolation_level: str) -> dict[TopicPartition, int]:
    consumer = make_consumer(settings, f"{settings.process_name}-ends", isolation_level=isolation_level)
    try:
        own = [topic for topic in consumer.topics() if topic.startswith(f"uso.{settings.service}.")]
        partitions = [TopicPartition(topic, number) for topic in own for number in consumer.partitions_for_topic(topic)]
        ends: dict[TopicPartition, int] = consumer.end_offsets(partitions) if partitions else {}
        return ends
    finally:
        consumer.close()

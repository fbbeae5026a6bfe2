"""What `invoicing.py` and `public_member_list.py` share: all that is still true on some topics, kept up to date."""

import json
import os
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition

State = dict[str, Any]


def follow(*topics: str, once: bool) -> Iterator[dict[str, dict[str, State]]]:
    """Topic → key → newest state, given when everything up to now is read and again after each later change.

    It reads from the start, for it keeps nothing: a compacted topic still has the newest message of each key.
    """
    consumer = KafkaConsumer(
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
        isolation_level="read_committed",
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        fetch_max_wait_ms=100,
    )
    partitions = [TopicPartition(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    newest: dict[str, dict[str, State]] = {topic: {} for topic in topics}
    sequences: dict[tuple[str, str], int] = {}
    changed = True
    while True:
        for records in consumer.poll(timeout_ms=500).values():
            for record in records:
                changed |= _take(record, newest[record.topic], sequences)
        if changed and all(consumer.position(partition) >= ends[partition] for partition in partitions):
            yield newest
            changed = False
            if once:
                consumer.close()
                return


def _take(record: Any, newest: dict[str, State], sequences: dict[tuple[str, str], int]) -> bool:
    """Whether the record told anything new."""
    key = record.key.decode()
    if record.value is None:  # a tombstone: the state goes, and nothing older brings it back
        sequences[record.topic, key] = 2**53
        return newest.pop(key, None) is not None
    message = json.loads(record.value)
    if message["sequence"] <= sequences.get((record.topic, key), 0):
        return False
    sequences[record.topic, key] = message["sequence"]
    newest[key] = message["data"]["state"]
    return True

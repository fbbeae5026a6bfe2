"""Mends for how kafka-python 3.0.12 joins a group: a consumer could fall silent for good, or join for ever.

A join goes on in the background when the `poll` that has begun it runs out of time. On its way it may make
`need_rejoin()` false: then no later `poll` looks at how it ended, no assignment is taken over, and no heartbeat
is sent any more. And one that ends between two polls is not taken over either, but begun anew.
"""

from collections.abc import Iterable
from typing import Any

from kafka.structs import MemberState

JOIN_MS = 3000


def patch_group_join(consumer: Any) -> None:
    """Makes each `poll` of this KafkaConsumer go on with a join that an earlier one has begun."""
    coordinator = consumer._coordinator
    needs_to_join = coordinator.need_rejoin

    def need_rejoin() -> bool:
        return coordinator._join_task is not None or needs_to_join()

    coordinator.need_rejoin = need_rejoin


def missing_topics(consumer: Any, topics: Iterable[str]) -> list[str]:
    """Those of `topics` that this consumer has not seen yet; it asks for them at once, not when its metadata is old.

    Kafka tells a principal no more of a topic that it may not see than of one that does not exist.
    """
    cluster = consumer._client.cluster
    missing = sorted(topic for topic in topics if not cluster.partitions_for_topic(topic))
    if missing:
        cluster.request_update()
    return missing


def is_member(consumer: Any) -> bool:
    """Whether the group has settled with this consumer in it, with or without partitions of its own."""
    return bool(consumer.group_metadata().state == MemberState.STABLE)


def poll(consumer: Any, *, timeout_ms: int) -> dict[Any, list[Any]]:
    """The consumer's `poll`, with as much time as a join takes while there is one under way."""
    records: dict[Any, list[Any]] = consumer.poll(timeout_ms=timeout_ms if is_member(consumer) else JOIN_MS)
    return records

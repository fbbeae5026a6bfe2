"""Workarounds for two kafka-python 3.0.12 bugs in group join: a consumer that stops for good, and one that rejoins for
ever.

A join goes on in the background when the `poll` that began it runs out of time. On its way it may make `need_rejoin()`
false: then no later `poll` looks at its outcome, no assignment is taken over, and no heartbeat is sent any more. A join
that ends between two polls is not taken over either, but begun anew. The version is pinned exactly in pyproject.toml,
since private attributes are patched.
"""

from collections.abc import Iterable
from typing import Any

from kafka.structs import MemberState

# Longer than a join takes: a poll that is shorter would begin it anew each time.
JOIN_MS = 3000


class UnknownClient(TypeError):
    """kafka-python is not the version that the workarounds were written for."""


def patch_group_join(consumer: Any) -> None:
    """Makes each `poll` of this KafkaConsumer go on with a join that an earlier one has begun.

    Raises UnknownClient when the client lacks what is patched: better than a consumer that falls silent some day.
    """
    coordinator: Any = getattr(consumer, "_coordinator", None)
    if not hasattr(coordinator, "_join_task") or not hasattr(coordinator, "need_rejoin"):
        raise UnknownClient("This release of kafka-python joins a group in another way: see kafka_workarounds.py.")
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

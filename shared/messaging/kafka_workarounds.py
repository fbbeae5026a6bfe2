"""Workarounds for kafka-python 3.0.12. Two bugs in group joins stop a consumer for good, or let it rejoin for ever.

When the `poll` that began a join runs out of time, the join continues in the background. It may set `need_rejoin()` to
false: then no later `poll` reads its outcome, the assignment is never taken over, and no heartbeat is sent. A join that
ends between two polls is not taken over either, but started again. pyproject.toml pins the exact version, because the
workarounds patch private attributes.
"""

from collections.abc import Iterable
from typing import Any

from kafka import TopicPartition
from kafka.structs import MemberState

# Longer than a join takes: a shorter poll would start the join again each time.
JOIN_MS = 3000


class UnknownClient(TypeError):
    """kafka-python is not the version that the workarounds were written for."""


def patch_group_join(consumer: Any) -> None:
    """Makes each `poll` of this KafkaConsumer continue a join that an earlier poll has begun.

    Raises UnknownClient when the client lacks a patched attribute: a consumer that falls silent would be worse.
    """
    coordinator: Any = getattr(consumer, "_coordinator", None)
    if not hasattr(coordinator, "_join_task") or not hasattr(coordinator, "need_rejoin"):
        raise UnknownClient("This release of kafka-python joins a group in another way: see kafka_workarounds.py.")
    needs_to_join = coordinator.need_rejoin

    def need_rejoin() -> bool:
        return coordinator._join_task is not None or needs_to_join()

    coordinator.need_rejoin = need_rejoin


def missing_topics(consumer: Any, topics: Iterable[str]) -> list[str]:
    """The `topics` that this consumer does not see. It refreshes its metadata at once.

    Kafka answers the same for a topic that the principal may not see and for a topic that does not exist.
    """
    cluster = consumer._client.cluster
    missing = sorted(topic for topic in topics if not cluster.partitions_for_topic(topic))
    if missing:
        cluster.request_update()
    return missing


def position(consumer: Any, partition: TopicPartition) -> int | None:
    """The offset of the next record that this consumer will return. None: it is not known yet.

    KafkaConsumer.position looks at every assigned partition each time, as `poll` has just done: asked for each of a
    hundred partitions, it kept an idle worker busy for a sixth of a core.
    """
    found = consumer._subscription.assignment[partition].position
    return None if found is None else int(found.offset)


def is_member(consumer: Any) -> bool:
    """Whether the group is stable with this consumer as a member, with or without partitions."""
    return bool(consumer.group_metadata().state == MemberState.STABLE)


def poll(consumer: Any, *, timeout_ms: int) -> dict[Any, list[Any]]:
    """The consumer's `poll`, with as much time as a join takes while there is one under way."""
    records: dict[Any, list[Any]] = consumer.poll(timeout_ms=timeout_ms if is_member(consumer) else JOIN_MS)
    return records

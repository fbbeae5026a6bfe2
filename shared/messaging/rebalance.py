"""The partitions that a consumer was assigned since the last `drain`."""

import threading
from collections.abc import Iterable

from kafka import TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener


class RebalanceListener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes the assigned partitions. It runs on the network thread, where nothing may block."""

    def __init__(self) -> None:
        self._assigned: set[TopicPartition] = set()
        self._lock = threading.Lock()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Does nothing: the consumer's own thread drops the offsets of revoked partitions."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        with self._lock:
            self._assigned |= set(assigned)

    @property
    def has_pending(self) -> bool:
        """Whether there was an assignment since the last `drain`."""
        with self._lock:
            return bool(self._assigned)

    def drain(self) -> set[TopicPartition]:
        """The partitions assigned since the last call."""
        with self._lock:
            assigned, self._assigned = self._assigned, set()
            return assigned

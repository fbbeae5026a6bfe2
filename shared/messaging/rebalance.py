"""Which partitions a consumer was given since it last looked."""

import threading
from typing import Any

from kafka import TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener


class RebalanceListener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes what was assigned; runs on the network thread, so it does nothing else."""

    def __init__(self) -> None:
        self._arrived: set[TopicPartition] = set()
        self._lock = threading.Lock()

    def on_partitions_revoked(self, revoked: Any) -> None:
        """Places are dropped by the consumer's own thread."""

    def on_partitions_assigned(self, assigned: Any) -> None:
        with self._lock:
            self._arrived |= set(assigned)

    @property
    def has_more(self) -> bool:
        """Whether something was assigned since then."""
        with self._lock:
            return bool(self._arrived)

    def take(self) -> set[TopicPartition]:
        """What was assigned since the last call."""
        with self._lock:
            arrived, self._arrived = self._arrived, set()
            return arrived

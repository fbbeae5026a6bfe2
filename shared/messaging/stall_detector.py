"""A watch over a consumer: whether what it reads moves on.

kafka-python has been seen to fall silent while records were waiting (dpkp/kafka-python#3106, #3131). Then a
new client helps, and where even `poll` does not return, a new process does.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

PATIENCE_SECONDS = 60.0


class Stalled(KafkaError):  # type: ignore[misc]
    """The client gets nothing although there is something; a new one is to be made."""


class StallDetector:
    """Looks at a KafkaConsumer from time to time."""

    def __init__(self, kafka: Any, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._kafka = kafka
        self._clock = clock
        self._since = clock()
        self._waiting: dict[TopicPartition, int] = {}

    def check(self, offsets: Mapping[TopicPartition, int], *, joined: bool) -> dict[TopicPartition, int]:
        """The offset that the client has read each partition up to: behind its last record, and behind what is no
        record (the marks of transactions) too.

        Raises Stalled when it has not joined its group, or has left records lying, for a minute.
        """
        reached, waiting = {}, {}
        for partition, offset in offsets.items():
            reached[partition] = max(self._kafka.position(partition, timeout_ms=0) or offset, offset)
            if (self._kafka.highwater(partition) or 0) > reached[partition]:
                waiting[partition] = reached[partition]
        stuck = [partition for partition, at in waiting.items() if self._waiting.get(partition) == at]
        if joined and not stuck:
            self._since = self._clock()
        self._waiting = waiting
        if self._clock() - self._since > PATIENCE_SECONDS:
            raise Stalled("has not joined its group" if not joined else f"{len(stuck)} partitions do not move on")
        return reached

"""Detects a consumer that stopped reading.

kafka-python has been seen to fall silent while records were waiting (dpkp/kafka-python#3106, #3131). A new client
helps; when even `poll` does not return, a new process does.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from shared.messaging.kafka_workarounds import position

PATIENCE_SECONDS = 60.0


class Stalled(KafkaError):  # type: ignore[misc]
    """The client reads no records although there are some: make a new client."""


class StallDetector:
    """Checks a KafkaConsumer from time to time."""

    def __init__(
        self,
        kafka: Any,
        *,
        position: Callable[[Any, TopicPartition], int | None] = position,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kafka = kafka
        self._position = position
        self._clock = clock
        self._since = clock()
        self._waiting: dict[TopicPartition, int] = {}

    def check(self, offsets: Mapping[TopicPartition, int], *, joined: bool) -> dict[TopicPartition, int]:
        """The offset up to which the client has read each partition, transaction markers included.

        Raises Stalled when the client has not joined its group for a minute, or has left records unread for a minute.
        """
        reached, waiting = {}, {}
        for partition, offset in offsets.items():
            reached[partition] = max(self._position(self._kafka, partition) or offset, offset)
            if (self._kafka.highwater(partition) or 0) > reached[partition]:
                waiting[partition] = reached[partition]
        stuck = [partition for partition, at in waiting.items() if self._waiting.get(partition) == at]
        if joined and not stuck:
            self._since = self._clock()
        self._waiting = waiting
        if self._clock() - self._since > PATIENCE_SECONDS:
            raise Stalled("has not joined its group" if not joined else f"{len(stuck)} partitions do not move on")
        return reached

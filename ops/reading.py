"""Reads topics beside the service's consumer: without a group, committed records only, between given offsets."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from shared.errors import Unavailable
from shared.messaging.kafka_clients import make_admin, make_consumer
from shared.settings import Settings

# Records in one transaction of a job. Larger transactions are no faster, and take longer to repeat after a conflict.
BATCH = 2000
# A job waits longer than the election of a partition's leader takes. An operator's own request does not.
PATIENCE_SECONDS = 30.0
ANSWER_SECONDS = 5.0

Offsets = dict[int, int]


@contextmanager
def reader(settings: Settings, *, seconds: float = PATIENCE_SECONDS) -> Iterator[Any]:
    """A consumer without a group. Raises KafkaError when Kafka does not answer within `seconds`."""
    milliseconds = int(seconds * 1000)
    consumer = make_consumer(
        settings,
        f"{settings.process_name}-ops",
        max_poll_records=BATCH,
        bootstrap_timeout_ms=milliseconds,
        request_timeout_ms=milliseconds,
    )
    try:
        yield consumer
    finally:
        consumer.close()


@contextmanager
def admin(settings: Settings) -> Iterator[Any]:
    """An administrator's client. Raises KafkaError when Kafka does not answer within a few seconds."""
    milliseconds = int(ANSWER_SECONDS * 1000)
    client = make_admin(
        settings,
        f"{settings.process_name}-ops",
        bootstrap_timeout_ms=milliseconds,
        request_timeout_ms=milliseconds,
    )
    try:
        yield client
    finally:
        client.close()


@contextmanager
def answering() -> Iterator[None]:
    """Raises Unavailable (503) in place of KafkaError."""
    try:
        yield
    except KafkaError as error:
        raise Unavailable("Kafka does not answer at the moment. Repeat your request.", retry_after=5) from error


@dataclass(frozen=True)
class TopicReader:
    """One topic, read with a consumer of `reader`."""

    consumer: Any
    topic: str
    seconds: float = PATIENCE_SECONDS
    partitions: list[TopicPartition] = field(init=False)

    def __post_init__(self) -> None:
        numbers = self.consumer.partitions_for_topic(self.topic)
        if not numbers:
            raise KafkaTimeoutError(f"There is no topic {self.topic}, or nobody leads it.")
        object.__setattr__(self, "partitions", [TopicPartition(self.topic, number) for number in sorted(numbers)])

    def beginnings(self) -> Offsets:
        return self._numbered(self.consumer.beginning_offsets(self.partitions, timeout_ms=self._milliseconds))

    def ends(self) -> Offsets:
        """The offset behind the last committed record of each partition, at this moment."""
        return self._numbered(self.consumer.end_offsets(self.partitions, timeout_ms=self._milliseconds))

    def since(self, milliseconds: int) -> Offsets:
        """The offsets of the first records at or after that instant; a partition's end when it has none."""
        found = self.consumer.offsets_for_times(
            dict.fromkeys(self.partitions, milliseconds), timeout_ms=self._milliseconds
        )
        return self.ends() | {tp.partition: there.offset for tp, there in found.items() if there is not None}

    def read(self, start: Mapping[int, int], until: Mapping[int, int]) -> Iterator[tuple[list[Any], Offsets]]:
        """Batches of records in each partition's order, each with the offsets reached behind it.

        Ends when all offsets have come to `until`. Raises KafkaError when nothing comes for a while.
        """
        reached = dict(start)
        ahead = {tp: until[tp.partition] for tp in self.partitions if until[tp.partition] > reached[tp.partition]}
        self.consumer.assign(list(ahead))
        self.consumer.resume(*ahead)  # a new assignment keeps the paused partitions of the one before
        for tp in ahead:
            self.consumer.seek(tp, reached[tp.partition])
        heard_at = time.monotonic()
        while ahead:
            polled = self.consumer.poll(timeout_ms=200)
            batch = [record for tp, found in polled.items() if tp in ahead for record in found]
            batch = [record for record in batch if record.offset < until[record.partition]]
            before = dict(reached)
            for tp, end in list(ahead.items()):
                reached[tp.partition] = min(self.consumer.position(tp), end)
                if reached[tp.partition] == end:
                    del ahead[tp]
                    self.consumer.pause(tp)
            if reached != before:
                heard_at = time.monotonic()
                yield batch, dict(reached)
            elif time.monotonic() - heard_at > self.seconds:
                raise KafkaTimeoutError(f"Nothing came from {self.topic} for {self.seconds:g} s.")

    @property
    def _milliseconds(self) -> int:
        return int(self.seconds * 1000)

    @staticmethod
    def _numbered(offsets: Mapping[TopicPartition, int]) -> Offsets:
        return {tp.partition: offset for tp, offset in offsets.items()}

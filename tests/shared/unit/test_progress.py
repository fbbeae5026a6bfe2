"""The watch over a consumer's progress."""

import pytest
from kafka import TopicPartition

from shared.messaging.stall_detector import PATIENCE_SECONDS, StallDetector, Stalled

ONE, OTHER = TopicPartition("things", 0), TopicPartition("things", 1)


class Reader:
    """Stands for a KafkaConsumer: how far it is, and how far it could be."""

    def __init__(self) -> None:
        self.now = 0.0
        self.at = {ONE: 0, OTHER: 0}
        self.end = {ONE: 0, OTHER: 0}

    def highwater(self, partition: TopicPartition) -> int:
        return self.end[partition]


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def progress(reader: Reader) -> StallDetector:
    return StallDetector(reader, position=lambda _, partition: reader.at[partition], clock=lambda: reader.now)


def test_nothing_to_read_is_no_stall(reader: Reader, progress: StallDetector) -> None:
    for _ in range(5):
        assert progress.check({ONE: 0, OTHER: 0}, joined=True) == {ONE: 0, OTHER: 0}
        reader.now += PATIENCE_SECONDS


def test_it_tells_how_far_it_has_read_behind_what_is_no_record(reader: Reader, progress: StallDetector) -> None:
    reader.at = reader.end = {ONE: 5, OTHER: 0}
    assert progress.check({ONE: 4, OTHER: 0}, joined=True) == {ONE: 5, OTHER: 0}


def test_records_left_lying_for_a_minute_are_a_stall(reader: Reader, progress: StallDetector) -> None:
    reader.end[ONE] = 10
    progress.check({ONE: 0, OTHER: 0}, joined=True)
    reader.now += PATIENCE_SECONDS
    progress.check({ONE: 0, OTHER: 0}, joined=True)
    reader.now += 1
    with pytest.raises(Stalled, match="1 partitions"):
        progress.check({ONE: 0, OTHER: 0}, joined=True)


def test_a_slow_reader_is_no_stall(reader: Reader, progress: StallDetector) -> None:
    reader.end[ONE] = 10
    for place in range(5):
        reader.at[ONE] = place
        progress.check({ONE: place}, joined=True)
        reader.now += PATIENCE_SECONDS


def test_a_group_not_joined_for_a_minute_is_a_stall(reader: Reader, progress: StallDetector) -> None:
    progress.check({}, joined=False)
    reader.now += PATIENCE_SECONDS + 1
    with pytest.raises(Stalled, match="joined"):
        progress.check({}, joined=False)

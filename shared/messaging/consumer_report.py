"""A consumer's report, every few seconds: its lag, and the topics that it cannot see."""

from collections.abc import Mapping, Sequence
from typing import Any

from kafka import OffsetAndMetadata, TopicPartition
from kafka.errors import KafkaError

from shared.messaging.kafka_workarounds import missing_topics
from shared.telemetry.logs import get_logger
from shared.telemetry.metrics import CONSUMER_LAG, TOPIC_MISSING

log = get_logger(__name__)


class ConsumerReport:
    """The metrics of one KafkaConsumer that reads `topics` for `service`."""

    def __init__(self, kafka: Any, service: str, topics: Sequence[str]) -> None:
        self._kafka = kafka
        self._service = service
        self._topics = topics
        self._missing: list[str] = []

    def show(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Sets the metrics, and commits the offsets to Kafka, where other tools look for the lag."""
        self._show_missing_topics()
        lag: dict[str, int] = {}
        for partition, offset in offsets.items():
            behind = max((self._kafka.highwater(partition) or offset) - offset, 0)
            lag[partition.topic] = lag.get(partition.topic, 0) + behind
        for topic, behind in lag.items():
            CONSUMER_LAG.labels(self._service, topic).set(behind)
        if offsets:
            try:
                self._kafka.commit_async({tp: OffsetAndMetadata(offset, "", -1) for tp, offset in offsets.items()})
            except KafkaError as error:
                log.info("lag not shown to Kafka", error=type(error).__name__)

    def _show_missing_topics(self) -> None:
        """Reports missing topics. They do not hold up the others, and are read as soon as they exist."""
        missing = missing_topics(self._kafka, self._topics)
        if missing != self._missing:
            for topic in self._topics:
                TOPIC_MISSING.labels(self._service, topic).set(topic in missing)
            if missing:
                log.warning("topics are missing, or there is no right to see them", topics=missing)
            self._missing = missing

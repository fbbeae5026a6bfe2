"""The relay's resume token, which its last committed Kafka transaction left on its offsets topic."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import json_util
from kafka import TopicPartition

from shared.messaging.kafka_clients import make_consumer
from shared.messaging.topics import relay_offsets
from shared.mongo.aggregates import Document
from shared.settings import Settings

# The topic holds tokens and transaction markers: among its last thousand records there is nearly always a token.
FIRST_STEP = 1000
PATIENCE_SECONDS = 60.0
# The key of releases without shards.
OLD_KEY = b"place"


class TokenUnreadable(Exception):
    """The token could not be read back."""


@dataclass(frozen=True)
class ResumeToken:
    """`position` is the journal reader's; `topic_ids` are those of the service's topics when it was written."""

    position: Document
    topic_ids: Mapping[str, str]
    at: datetime | None = None

    def encode(self) -> bytes:
        return json_util.dumps({**self.position, "topic_ids": dict(self.topic_ids)}).encode()


def token_key(shard: int) -> bytes:
    return f"token-{shard}".encode()


class TokenReader:
    """Reads a shard's token back, from the end of the topic backwards: its start may be a million records away."""

    def __init__(self, settings: Settings, shard: int) -> None:
        self.settings = settings
        self.partition = TopicPartition(relay_offsets(settings.service), 0)
        self.keys = {token_key(shard), *([OLD_KEY] if shard == 0 else [])}
        self.records_read = 0

    def read(self) -> tuple[ResumeToken | None, dict[str, str]]:
        """The token committed last, and the ids that the service's topics have now.

        Call it after fencing earlier producers: then none moves the token. Raises TokenUnreadable after a minute.
        """
        consumer = make_consumer(self.settings, f"{self.settings.process_name}-token")
        try:
            consumer.assign([self.partition])
            record = self._newest(consumer)
            ids = topic_ids(consumer, self.settings.service)
        finally:
            consumer.close()
        if record is None:
            return None, ids
        position = json_util.loads(record.value.decode())
        at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        return ResumeToken(position, position.pop("topic_ids", {}), at), ids

    def _newest(self, consumer: Any) -> Any:
        begin = consumer.beginning_offsets([self.partition])[self.partition]
        high = consumer.end_offsets([self.partition])[self.partition]
        step = FIRST_STEP
        deadline = time.monotonic() + PATIENCE_SECONDS
        while high > begin:
            low = max(begin, high - step)
            found = None
            consumer.seek(self.partition, low)
            while consumer.position(self.partition) < high:
                if time.monotonic() > deadline:
                    raise TokenUnreadable("The relay's resume token could not be read back within a minute.")
                for record in consumer.poll(timeout_ms=200).get(self.partition, ()):
                    self.records_read += 1
                    if record.offset < high and record.key in self.keys:
                        found = record
            if found is not None:
                return found
            high, step = low, step * 2
        return None


def topic_ids(consumer: Any, service: str) -> dict[str, str]:
    """The ids (KIP-516) of the topics that the service owns, without its relay's offsets topic."""
    names = [
        name for name in consumer.topics() if name.startswith(f"uso.{service}.") and name != relay_offsets(service)
    ]
    ids = {name: consumer._cluster.topic_id(name) for name in names}
    return {name: str(topic_id) for name, topic_id in ids.items() if topic_id is not None}

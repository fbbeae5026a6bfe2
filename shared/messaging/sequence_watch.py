"""Reports a leap in a message's sequence: a message in between was lost, or this message is forged."""

from collections.abc import Iterable

from shared.messaging.messages import TOMBSTONE_SEQUENCE, Message
from shared.telemetry.logs import get_logger
from shared.telemetry.metrics import SEQUENCE_LEAPS

log = get_logger(__name__)

# Keys in each of two generations, some 20 MB at most: enough that a busy key is still there at its next message.
GENERATION = 50_000

Key = tuple[str, str]


class SequenceWatch:
    """Remembers the newest sequence of each key that was handled lately."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._young: dict[Key, int] = {}
        self._old: dict[Key, int] = {}

    def look(self, messages: Iterable[Message]) -> None:
        """Takes the handled messages, in order. A leap goes into the log and the metric."""
        for message in messages:
            key, sequence = (message.topic, message.key), message.sequence
            before = self._young.get(key) or self._old.get(key)
            if before is not None and sequence != before + 1:
                if sequence > before and sequence != TOMBSTONE_SEQUENCE:
                    self._report(message, before)
                sequence = max(before, sequence)
            self._young[key] = sequence
        if len(self._young) > GENERATION:
            self._old, self._young = self._young, {}

    def _report(self, message: Message, before: int) -> None:
        SEQUENCE_LEAPS.labels(self._service, message.topic).inc()
        log.warning(
            "a sequence leaps",
            location=f"{message.topic}/{message.partition}/{message.offset}",
            sequence=message.sequence,
            before=before,
        )

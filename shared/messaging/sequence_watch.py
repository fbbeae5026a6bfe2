"""Tells when a message's sequence leaps: one in between was lost, or somebody forged it."""

from collections import OrderedDict
from collections.abc import Iterable

from shared.messaging.messages import TOMBSTONE_SEQUENCE, Message
from shared.telemetry.logs import get_logger
from shared.telemetry.metrics import SEQUENCE_LEAPS

log = get_logger(__name__)

# Keys remembered, some 20 MB at most: those that are written often are there when their next message comes.
KEYS_REMEMBERED = 100_000


class SequenceWatch:
    """Remembers the newest sequence of each key that was handled lately."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._newest: OrderedDict[tuple[str, str], int] = OrderedDict()

    def look(self, messages: Iterable[Message]) -> None:
        """To be called with what was handled, in order. A leap goes into the log and the metric."""
        for message in messages:
            if message.sequence == TOMBSTONE_SEQUENCE:
                continue
            key = (message.topic, message.key)
            before = self._newest.get(key)
            if before is not None and message.sequence > before + 1:
                SEQUENCE_LEAPS.labels(self._service, message.topic).inc()
                log.warning(
                    "a sequence leaps",
                    location=f"{message.topic}/{message.partition}/{message.offset}",
                    sequence=message.sequence,
                    before=before,
                )
            self._newest[key] = max(before or 0, message.sequence)
            self._newest.move_to_end(key)
            if len(self._newest) > KEYS_REMEMBERED:
                self._newest.popitem(last=False)

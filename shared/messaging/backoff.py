"""Waiting inside a consumer: for the database, or before the next try, without leaving the group."""

import threading
import time
from collections.abc import Callable
from typing import Any

from shared.backoff import backoff
from shared.messaging.kafka_workarounds import poll
from shared.mongo.errors import is_transient
from shared.telemetry.logs import get_logger

log = get_logger(__name__)


class Backoff:
    """The pauses of a KafkaConsumer's thread. `stop` ends every pause; `alive` is called during them.

    `takes_writes` tells whether the database takes writes at this moment.
    """

    def __init__(
        self,
        kafka: Any,
        stop: threading.Event,
        *,
        alive: Callable[[], None],
        takes_writes: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kafka = kafka
        self._stop = stop
        self._alive = alive
        self._takes_writes = takes_writes
        self._clock = clock

    def until_database_answers(self, action: Callable[[], None], *, patience: float | None = None) -> None:
        """Repeats `action` while it fails because of an outage or of too many writers.

        Raises every other failure of `action` at once. With `patience`, it also raises such a failure when the
        database took other writes for so many seconds while `action` went on failing. An outage never counts.
        """
        attempt = 0
        refused_since: float | None = None
        while True:
            try:
                action()
                return
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                log.warning("waiting for the database", attempt=attempt, error=type(error).__name__)
                if self._stop.is_set():
                    raise
                if patience is not None:
                    if not self._takes_writes():
                        refused_since = None
                    elif refused_since is None:
                        refused_since = self._clock()
                    elif self._clock() - refused_since >= patience:
                        raise
                self.pause(backoff(attempt, first=0.1, most=5.0))

    def pause(self, seconds: float) -> None:
        """Waits for `seconds`, and stays a member of the group."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stop.wait(min(0.5, max(0.0, until - time.monotonic()))):
            self._keep_membership()

    def until_stopped(self) -> None:
        """Waits until `stop` is set, and stays a member of the group."""
        while not self._stop.wait(0.5):
            self._keep_membership()

    def _keep_membership(self) -> None:
        """A poll that returns no record: all partitions are paused meanwhile. It keeps the membership alive."""
        self._alive()
        assigned = self._kafka.assignment()
        self._kafka.pause(*assigned)
        try:
            poll(self._kafka, timeout_ms=0)
        finally:
            self._kafka.resume(*[tp for tp in assigned if tp in self._kafka.assignment()])

"""Waiting inside a consumer: for the database, or before the next try, without leaving the group."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from pymongo.errors import BulkWriteError, DuplicateKeyError

from shared.messaging.kafka_workarounds import poll
from shared.mongo.errors import is_transient
from shared.telemetry.logs import get_logger

log = get_logger(__name__)


class Backoff:
    """Waits for a KafkaConsumer's thread; `stop` cuts every wait short, `alive` is called all along."""

    def __init__(self, kafka: Any, stop: threading.Event, *, alive: Callable[[], None]) -> None:
        self._kafka = kafka
        self._stop = stop
        self._alive = alive

    def until_database_answers(self, action: Callable[[], None]) -> None:
        """Repeats `action` for as long as the database is away. Raises what else `action` raises."""
        attempt = 0
        while True:
            try:
                action()
                return
            except (DuplicateKeyError, BulkWriteError):
                raise
            except Exception as error:
                if not is_transient(error):
                    raise
                attempt += 1
                log.warning("waiting for the database", attempt=attempt, error=type(error).__name__)
                if self._stop.is_set():
                    raise
                self.pause(min(5.0, 0.05 * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0))  # noqa: S311

    def pause(self, seconds: float) -> None:
        """Lets `seconds` pass as a member of the group."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stop.wait(min(0.5, max(0.0, until - time.monotonic()))):
            self._keep_membership()

    def for_the_end(self) -> None:
        """Does nothing but stay in the group until `stop` is set."""
        while not self._stop.wait(0.5):
            self._keep_membership()

    def _keep_membership(self) -> None:
        """A poll that brings nothing: all partitions are paused while it lasts."""
        self._alive()
        assigned = self._kafka.assignment()
        self._kafka.pause(*assigned)
        try:
            poll(self._kafka, timeout_ms=0)
        finally:
            self._kafka.resume(*[tp for tp in assigned if tp in self._kafka.assignment()])

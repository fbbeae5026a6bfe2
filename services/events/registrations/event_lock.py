"""Threads of one process that change the same event's seats go one after another.

Correctness does not depend on it: the `seats` document holds the limit, across processes too. But a transaction
that meets another's write of that document starts over, and a crowd of them would do little else.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pymongo.errors import PyMongoError

from shared.errors import Conflict, Unavailable

T = TypeVar("T")

# Longer than a crowd of some hundred takes, shorter than a client waits.
LONGEST_WAIT_SECONDS = 20.0
# With the pauses below ten tries take five seconds at most: other processes have had their turns by then.
TRIES = 10


class KeyedLock:
    """A lock for each key, kept for as long as a thread holds it or waits for it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """Raises Unavailable when the lock does not come free in time."""
        with self._guard:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = lock, users + 1
        try:
            if not lock.acquire(timeout=LONGEST_WAIT_SECONDS):
                raise Unavailable("Too many requests for this event at once. Repeat yours.", retry_after=1)
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._guard:
                lock, users = self._locks.pop(key)
                if users > 1:
                    self._locks[key] = lock, users - 1


EVENT_LOCK = KeyedLock()


def in_turn(event_id: str, action: Callable[[], T]) -> T:
    """`action` under this event's lock, and again while other processes are in the way."""
    with EVENT_LOCK.held(event_id):
        return retried(action)


def retried(action: Callable[[], T]) -> T:
    """`action`, again a bounded number of times while other processes are in the way."""
    for attempt in range(1, TRIES):
        try:
            return action()
        except Conflict as error:
            if not _is_contention(error):
                raise
        time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - only spreads the attempts
    return action()


def _is_contention(error: Conflict) -> bool:
    """Whether the database refused, not a rule: a rule's refusal stays the same however often it is asked."""
    return error.retry_after is not None and isinstance(error.__cause__, PyMongoError)

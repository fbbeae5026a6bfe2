"""Threads of one process that change the same document go one after another, and again while others are in the way.

Correctness does not depend on it: MongoDB refuses the second of two transactions that write one document, across
processes too. But the refused transaction starts over, and a crowd of them would do little else.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pymongo.errors import PyMongoError

from shared.backoff import backoff
from shared.errors import Conflict, Unavailable
from shared.mongo.errors import is_transient

T = TypeVar("T")

# Longer than a crowd of some hundred takes, shorter than a client waits.
LONGEST_WAIT_SECONDS = 20.0
# Ten tries with their nine pauses take five seconds at most: other processes have had their turns by then.
TRIES = 10
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 1.0


class KeyedLock:
    """A lock for each key, kept for as long as a thread holds it or waits for it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def held(self, key: str) -> Iterator[None]:
        """Raises Unavailable when the lock does not come free within LONGEST_WAIT_SECONDS."""
        with self._guard:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = lock, users + 1
        try:
            if not lock.acquire(timeout=LONGEST_WAIT_SECONDS):
                raise Unavailable("Too many requests for the same thing at once. Repeat yours.", retry_after=1)
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._guard:
                lock, users = self._locks.pop(key)
                if users > 1:
                    self._locks[key] = lock, users - 1


# One for the process: the keys are ids, and no two things share an id.
LOCKS = KeyedLock()


def in_turn(key: str, action: Callable[[], T]) -> T:
    """The result of `action`, which runs under the key's lock, and again on contention.

    Raises what `action` raises, and Unavailable when the lock does not come free.
    """
    with LOCKS.held(key):
        return retry_on_contention(action)


def retry_on_contention(action: Callable[[], T]) -> T:
    """The result of `action`, which runs again, ten times at most, while other processes' writes are in its way."""
    for attempt in range(1, TRIES):
        try:
            return action()
        except Conflict as error:
            # The database refused, and no rule: a rule's refusal stays the same at every try.
            if not (is_transient(error) and isinstance(error.__cause__, PyMongoError)):
                raise
        time.sleep(backoff(attempt, first=FIRST_PAUSE_SECONDS, most=LONGEST_PAUSE_SECONDS))
    return action()

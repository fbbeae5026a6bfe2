"""Threads of one process that want to change the same event's seats go one after another.

Correctness does not hang on it: the `seats` document holds the limit, across processes too. But a
transaction that meets another's write to it starts over, and a crowd of them would do little else.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from pymongo.errors import PyMongoError

from shared.cause import Cause
from shared.errors import Conflict, Unavailable
from shared.mongo.database import Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork

T = TypeVar("T")

LONGEST_WAIT_SECONDS = 20.0
TRIES = 10


class Turns:
    """A lock for each key, kept for as long as somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    @contextmanager
    def of(self, key: str) -> Iterator[None]:
        """Raises Unavailable when the turn does not come in time."""
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


TURNS = Turns()


def in_turn(
    db: Database, event_id: str, uow: Callable[[UnitOfWork], T], *, cause: Cause, once: IdempotencyKey | None = None
) -> T:
    """`db.transact`, when this event's turn has come, and again when other processes were in the way."""
    with TURNS.of(event_id):
        return retried(lambda: db.transact(uow, cause=cause, once=once))


def retried(action: Callable[[], T]) -> T:
    """`action`, again a bounded number of times when other processes were in the way."""
    for attempt in range(1, TRIES):
        try:
            return action()
        except Conflict as error:
            if not _was_contention(error):
                raise
        time.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - only spreads the attempts
    return action()


def _was_contention(error: Conflict) -> bool:
    """Whether it is the database's word, not a rule's, and not that of a unique index."""
    return error.retry_after is not None and isinstance(error.__cause__, PyMongoError)

"""Group commit: requests for the same thing that arrive together are written in one transaction.

A transaction of fifty requests costs little more than a transaction of one: so a crowd is served within seconds.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from shared.cause import Cause
from shared.errors import Problem, Unavailable
from shared.mongo.contention import LOCKS, retry_on_contention
from shared.mongo.database import Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork

# A transaction of fifty registrations takes some 50 ms: the last of them waits no longer than a person notices.
MOST_AT_ONCE = 50


@dataclass(eq=False, kw_only=True)
class GroupRequest:
    """A request that may be served together with others; `answer` is its result or its refusal once it is served."""

    cause: Cause = field(init=False)
    key: IdempotencyKey | None = field(default=None, init=False)
    answer: Any = field(default=None, init=False)


R = TypeVar("R", bound=GroupRequest)
T = TypeVar("T")


class GroupCommit(Generic[R, T]):
    """The requests of this process that wait, by the id of their thing, in the order of arrival. For many threads.

    `command(uow, id, requests)` gives each request's result or refusal, in their order; a refusal leaves the other
    requests alone. It is called with one request where a group fails.
    """

    def __init__(self, db: Database, command: Callable[[UnitOfWork, str, Sequence[R]], Sequence[T | Problem]]) -> None:
        self._db = db
        self._command = command
        self._guard = threading.Lock()
        self._waiting: dict[str, list[R]] = {}

    def run(self, identifier: str, request: R, *, cause: Cause, key: IdempotencyKey | None = None) -> T:
        """The command's result for the request, committed. Raises the request's refusal.

        The thread that holds the lock serves the requests of all threads that wait for it: most threads find
        their request answered when they get the lock.
        """
        request.cause, request.key = cause, key
        with self._guard:
            self._waiting.setdefault(identifier, []).append(request)
        try:
            with LOCKS.held(identifier):
                while request.answer is None:
                    self._serve(identifier, self._take(identifier))
        finally:
            self._forget(identifier, request)
        if isinstance(request.answer, Exception):
            raise request.answer
        result: T = request.answer
        return result

    def _take(self, identifier: str) -> list[R]:
        with self._guard:
            waiting = self._waiting.get(identifier, [])
            taken, waiting[:] = waiting[:MOST_AT_ONCE], waiting[MOST_AT_ONCE:]
            return taken

    def _forget(self, identifier: str, request: R) -> None:
        """Drops a request that gave up waiting, and the list of a thing for which no request waits."""
        with self._guard:
            waiting = self._waiting.get(identifier, [])
            if request in waiting:
                waiting.remove(request)
            if not waiting:
                self._waiting.pop(identifier, None)

    def _serve(self, identifier: str, requests: Sequence[R]) -> None:
        """Gives each request its answer: all in one transaction, or each in its own where the group fails."""
        if len(requests) > 1:
            for request, answer in zip(requests, self._together(identifier, requests), strict=False):
                request.answer = answer
        for request in requests:
            if request.answer is None:
                request.answer = self._alone(identifier, request)

    def _together(self, identifier: str, requests: Sequence[R]) -> Sequence[T | Exception]:
        """The requests' answers; none when one request's fault, or a key used before, stopped the transaction."""
        try:
            return self._db.transact_all(
                lambda uow: self._command(uow, identifier, requests),
                cause=requests[0].cause,
                keys=[request.key for request in requests],
            )
        except Unavailable as error:
            return [error] * len(requests)
        except Exception:  # noqa: BLE001 - each request meets its own error when it is served alone
            return []

    def _alone(self, identifier: str, request: R) -> T | Exception:
        try:
            return retry_on_contention(
                lambda: self._db.transact(
                    lambda uow: self._only_answer(uow, identifier, request), cause=request.cause, key=request.key
                )
            )
        except Exception as error:  # noqa: BLE001 - raised again in the thread of the request
            return error

    def _only_answer(self, uow: UnitOfWork, identifier: str, request: R) -> T:
        [answer] = self._command(uow, identifier, [request])
        if isinstance(answer, Problem):
            raise answer
        return answer

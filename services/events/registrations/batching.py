"""Group commit: registrations for one event that arrive together are written in one transaction.

One transaction for fifty costs little more than a transaction for one: a crowd's first seconds are bearable by that.
"""

import threading
from collections.abc import Sequence

from services.events.registrations.admission import Request, admit
from services.events.registrations.event_lock import EVENT_LOCK, retried
from services.events.registrations.store import RegistrationDocument
from shared.errors import Problem, Unavailable
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

# A transaction of fifty registrations takes some 50 ms: the last of them waits no longer than a person notices.
MOST_AT_ONCE = 50


class RegistrationBatcher:
    """The requests of this process that wait, by event, in the order of arrival. For any number of threads."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._guard = threading.Lock()
        self._waiting: dict[str, list[Request]] = {}

    def register(self, event_id: str, request: Request) -> RegistrationDocument:
        """The registration that `admit` makes of the request. Raises its refusal."""
        with self._guard:
            self._waiting.setdefault(event_id, []).append(request)
        try:
            with EVENT_LOCK.held(event_id):
                while request.answer is None:
                    self._answer(event_id, self._take(event_id))
        finally:
            self._forget(event_id, request)
        if isinstance(request.answer, Exception):
            raise request.answer
        return request.answer

    def _take(self, event_id: str) -> list[Request]:
        with self._guard:
            waiting = self._waiting.get(event_id, [])
            taken, waiting[:] = waiting[:MOST_AT_ONCE], waiting[MOST_AT_ONCE:]
            return taken

    def _forget(self, event_id: str, request: Request) -> None:
        """A request that gave up waiting is not served any more; an event without requests is forgotten."""
        with self._guard:
            waiting = self._waiting.get(event_id, [])
            if request in waiting:
                waiting.remove(request)
            if not waiting:
                self._waiting.pop(event_id, None)

    def _answer(self, event_id: str, requests: Sequence[Request]) -> None:
        """Gives each request its answer: all in one transaction, or each in its own where that does not go."""
        if len(requests) > 1:
            answers: Sequence[RegistrationDocument | Exception]
            try:
                answers = self._db.transact_all(
                    lambda uow: admit(uow, event_id, requests),
                    cause=requests[0].cause,
                    keys=[request.key for request in requests],
                )
            except Unavailable as error:
                answers = [error] * len(requests)
            except Exception:  # noqa: BLE001 - each request gets its own error below
                answers = []
            for request, answer in zip(requests, answers, strict=False):
                request.answer = answer
        for request in requests:
            if request.answer is None:
                request.answer = self._alone(event_id, request)

    def _alone(self, event_id: str, request: Request) -> RegistrationDocument | Exception:
        def work(uow: UnitOfWork) -> RegistrationDocument:
            [answer] = admit(uow, event_id, [request])
            if isinstance(answer, Problem):
                raise answer
            return answer

        try:
            return retried(lambda: self._db.transact(work, cause=request.cause, key=request.key))
        except Exception as error:  # noqa: BLE001 - raised again in the thread that asked
            return error

"""Registrations that arrive together are kept together: whoever's turn it is serves all who wait for the event.

One transaction for all of them costs little more than one for each: that is what makes a crowd bearable.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.events.registrations.registrants import Registrant
from services.events.registrations.turns import TURNS, retried
from shared.cause import Cause
from shared.errors import Problem, Unavailable
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork

MOST_AT_ONCE = 50


@dataclass(eq=False, kw_only=True)
class Request:
    """One request to register; `answer` is there once it has been served."""

    applicant: Registrant
    cause: Cause
    once: IdempotencyKey | None
    answer: Document | Exception | None = None


Admit = Callable[[UnitOfWork, str, Sequence[Request]], Sequence[Document | Problem]]
"""Registers the applicants in their order: each one's registration, or why not."""


class Desk:
    """The requests of this process that wait, by event, in the order of arrival."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: dict[str, list[Request]] = {}

    def serve(self, db: Database, event_id: str, request: Request, admit: Admit) -> Document:
        """The registration that `admit` makes of the request. Raises what it is refused with."""
        with self._guard:
            self._waiting.setdefault(event_id, []).append(request)
        try:
            with TURNS.of(event_id):
                while request.answer is None:
                    _answer(db, event_id, self._take(event_id), admit)
        finally:
            self._leave(event_id, request)
        if isinstance(request.answer, Exception):
            raise request.answer
        assert request.answer is not None
        return request.answer

    def _take(self, event_id: str) -> list[Request]:
        with self._guard:
            waiting = self._waiting.get(event_id, [])
            taken, waiting[:] = waiting[:MOST_AT_ONCE], waiting[MOST_AT_ONCE:]
            return taken

    def _leave(self, event_id: str, request: Request) -> None:
        """Who gave up waiting is not served any more; an event without anybody waiting is forgotten."""
        with self._guard:
            waiting = self._waiting.get(event_id, [])
            if request in waiting:
                waiting.remove(request)
            if not waiting:
                self._waiting.pop(event_id, None)


def _answer(db: Database, event_id: str, requests: Sequence[Request], admit: Admit) -> None:
    """Gives each request its answer: all in one transaction, or each in its own where that does not go."""
    if len(requests) > 1:
        try:
            answers = db.transact_all(
                lambda uow: admit(uow, event_id, requests),
                cause=requests[0].cause,
                onces=[request.once for request in requests],
            )
        except Unavailable as error:
            answers = [error] * len(requests)
        except Exception:  # noqa: BLE001 - each one hears by itself below what is wrong
            answers = []
        for request, answer in zip(requests, answers, strict=False):
            request.answer = answer
    for request in requests:
        if request.answer is None:
            request.answer = _alone(db, event_id, request, admit)


def _alone(db: Database, event_id: str, request: Request, admit: Admit) -> Document | Exception:
    def work(uow: UnitOfWork) -> Document:
        [answer] = admit(uow, event_id, [request])
        if isinstance(answer, Problem):
            raise answer
        return answer

    try:
        return retried(lambda: db.transact(work, cause=request.cause, once=request.once))
    except Exception as error:  # noqa: BLE001 - raised again in the thread that asked
        return error

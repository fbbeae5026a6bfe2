"""One registration for all coming events of a series: one transaction, a registration for each event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.events.events.store import BY_START, EVENTS, EventDocument
from services.events.registrations.admission import Request, admit
from services.events.registrations.domain import NotOpen
from services.events.registrations.seating import check_open
from shared.errors import Problem
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

# As many as a series has (`events/copying.py`): each is a registration with a mail of its own.
MOST_EVENTS = 53
# An address that nobody has confirmed gets no more mails than these within three hours: what is beyond would be lost.
MOST_BY_THE_FORM = 8


def coming_events(db: Database, series_id: str, now: datetime, *, public: bool) -> list[EventDocument]:
    """The events of a series for which registration is open; `public`: that are open to everybody."""
    query: Document = {"series_id": series_id, "state": "published", "starts_at": {"$gt": now}}
    if public:
        query["audience.open_to"] = "public"
    found: Any = db[EVENTS.collection].find(query).sort(list(BY_START)).limit(MOST_EVENTS)
    return [event for event in found if _is_open(event, now)]


def register_for_all(uow: UnitOfWork, events: Sequence[EventDocument], requests: Mapping[str, Request]) -> Document:
    """Registers somebody for each event by its request: `registered`, and `refused` with the event and the reason.

    Where they are registered already nothing changes. Raises NotFound.
    """
    registered, refused = [], []
    for event in events:
        request = requests[event["_id"]]
        request.cause, request.of_series = uow.cause, True
        [answer] = admit(uow, event["_id"], [request])
        if isinstance(answer, Problem):
            refused.append({"event_id": event["_id"], "reason": answer.detail})
        else:
            registered.append(answer)
    return {"registered": registered, "refused": refused}


def _is_open(event: EventDocument, now: datetime) -> bool:
    try:
        check_open(event, now)
    except NotOpen:
        return False
    return True

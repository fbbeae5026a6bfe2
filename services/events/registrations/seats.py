"""The seats of an event: one document. Every change of seats writes it, so the changes go one after another."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection
from typing import Any

from pymongo import UpdateOne

from services.events.events.store import EventDocument
from services.events.registrations.domain import SEATED, may_promote, next_in_line, offer_on
from services.events.registrations.store import BY_ARRIVAL, REGISTRATIONS, RegistrationDocument
from shared.errors import NotFound
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

SEATS = "seats"


def new_seats(event_id: str) -> Document:
    """`taken` seats (of the confirmed, attended and absent), `waiting` people, and the last number given."""
    return {"_id": event_id, "taken": 0, "waiting": 0, "last_number": 0}


def take_numbers(uow: UnitOfWork, event_id: str, count: int = 1) -> Document:
    """The seats as they stand, with the last of the next `count` numbers in the order of arrival as `last_number`.

    From here to its commit this transaction is the only one that changes the event's seats: another
    transaction that tries meets a write conflict and starts over. Raises NotFound without such an event.
    """
    seats = uow.find_and_update(SEATS, {"_id": event_id}, {"$inc": {"last_number": count}}, return_document=True)
    if seats is None:
        raise NotFound("event", event_id)
    return seats


def next_sequence(uow: UnitOfWork, event_id: str, after: int) -> int:
    """A SEQUENCE for the event's calendar entry, greater than `after` and than all earlier ones.

    The event and its registrations share one counter, the last number in the order of arrival. So of two calendar
    objects that a person gets, the later has the greater SEQUENCE (RFC 5545, 3.8.7.4).
    """
    number: int = take_numbers(uow, event_id)["last_number"]
    if number <= after:
        uow.write(SEATS, UpdateOne({"_id": event_id}, {"$max": {"last_number": after + 1}}))
    return max(number, after + 1)


def change_seats(uow: UnitOfWork, event_id: str, *, taken: int = 0, waiting: int = 0) -> None:
    """Adds to the counts, or subtracts with negative numbers."""
    if taken or waiting:
        uow.write(SEATS, UpdateOne({"_id": event_id}, {"$inc": {"taken": taken, "waiting": waiting}}))


def fill_seats(uow: UnitOfWork, event: EventDocument) -> list[RegistrationDocument]:
    """Gives the free seats to the first people in line who may have them: `registration.promoted` or `.offered`.

    It does nothing unless the event is published, and nothing after `promote_until` before the start.
    """
    if not may_promote(event, uow.now):
        return []
    seats = take_numbers(uow, event["_id"])
    free = None if event.get("capacity") is None else event["capacity"] - seats["taken"]
    if seats["waiting"] == 0 or (free is not None and free <= 0):
        return []
    most = event.get("max_per_organisation")
    fair = event.get("waitlist_order") == "organisations"
    limit = free if free is not None and most is None and not fair else 0
    waiting = uow.find_all(
        REGISTRATIONS,
        {"event_id": event["_id"], "state": "waitlisted"},
        sort=list(BY_ARRIVAL),
        limit=limit,
    )
    chosen = next_in_line(waiting, free=free, seated=seated_of(uow, event), most=most, fair=fair)
    left = sorted({each["queue_number"] for each in waiting} - {each["queue_number"] for each in chosen})
    promoted = [
        _promote(
            uow,
            event,
            registration,
            seats["last_number"],
            because="fewest_seats" if fair else "arrival",
            passed_over=bisect_left(left, registration["queue_number"]),
        )
        for registration in chosen
    ]
    change_seats(uow, event["_id"], taken=len(promoted), waiting=-len(promoted))
    return promoted


def _promote(
    uow: UnitOfWork,
    event: EventDocument,
    registration: RegistrationDocument,
    calendar_sequence: int,
    **why: Any,
) -> RegistrationDocument:
    """`why` explains in history and message who moves up: by which order, and past how many who may have no seat."""
    offer = offer_on(event, uow.now, unconfirmed=registration.get("confirm_address", False), in_line=True)
    to, type = ("offered", "registration.offered") if offer else ("confirmed", "registration.promoted")
    changes = {
        "state": to,
        "position": None,
        "mail_not_before": None,
        "calendar_sequence": calendar_sequence,
        **(offer or {}),
    }
    return uow.save(REGISTRATIONS, registration, changes, type, change={"from": "waitlisted", "to": to, **why})


def seated_of(uow: UnitOfWork, event: EventDocument, organisations: Collection[str] | None = None) -> dict[str, int]:
    """The number of seats that each organisation (of `organisations`) has; empty when the event sets no limit."""
    if event.get("max_per_organisation") is None and event.get("waitlist_order") != "organisations":
        return {}
    query: Document = {"event_id": event["_id"], "state": {"$in": list(SEATED)}}
    if organisations is not None:
        query["organisation_id"] = {"$in": list(organisations)}
    rows = uow.find(REGISTRATIONS.collection, query, projection={"organisation_id": 1})
    return Counter(row["organisation_id"] for row in rows if row.get("organisation_id"))

"""The seats of an event: one document. Every change of seats writes it, so the changes go one after another."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from pymongo import IndexModel, UpdateOne

from services.events.events.store import EventDocument
from services.events.registrations.domain import SEATED
from services.events.registrations.seating import (
    ONLINE,
    Seating,
    counted,
    holds_of,
    line_of,
    may_promote,
    next_in_line,
    offer_on,
)
from services.events.registrations.store import BY_ARRIVAL, REGISTRATIONS, RegistrationDocument
from shared.errors import NotFound
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

SEATS = "seats"
SEATS_INDEXES = [IndexModel("release_at", name="release", partialFilterExpression={"release_at": {"$type": "date"}})]


def new_seats(event_id: str) -> Document:
    """`taken` seats (of the confirmed, offered, attended and absent), `waiting` people, the last number given.

    `online_taken` and `online_waiting` are those of them who come online; `held` counts the taken seats of each
    hold. `release_at` is when the next hold is released.
    """
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


def change_seats(uow: UnitOfWork, event_id: str, changes: Mapping[str, int]) -> None:
    """Adds to the counts, or subtracts with negative numbers."""
    if any(changes.values()):
        uow.write(SEATS, UpdateOne({"_id": event_id}, {"$inc": {name: by for name, by in changes.items() if by}}))


def plan_release(uow: UnitOfWork, event: Mapping[str, Any]) -> None:
    """Notes when the next hold of the event is released."""
    moments: list[datetime] = [hold["released_at"] for hold in holds_of(event, uow.now)]
    uow.write(SEATS, UpdateOne({"_id": event["_id"]}, {"$set": {"release_at": min(moments, default=None)}}))


def fill_seats(uow: UnitOfWork, event: EventDocument) -> list[RegistrationDocument]:
    """Gives the free seats to the first people in line who may have them: `registration.promoted` or `.offered`.

    It does nothing unless the event is published, and nothing after `promote_until` before the start.
    """
    if not may_promote(event, uow.now):
        return []
    seats = take_numbers(uow, event["_id"])
    if seats["waiting"] == 0:
        return []
    seating = Seating(event, seats, seated_of(uow, event), uow.now)
    if seating.is_full():
        return []
    fair = event.get("waitlist_order") == "organisations"
    waiting = uow.find_all(
        REGISTRATIONS,
        {"event_id": event["_id"], "state": "waitlisted"},
        sort=list(BY_ARRIVAL),
        limit=_enough_of_the_line(event, seating, fair=fair),
    )
    chosen = next_in_line(waiting, seating, fair=fair)
    promoted = {registration["_id"] for registration, _ in chosen}
    left: dict[str, list[int]] = {"on_site": [], ONLINE: []}
    for each in waiting:
        if each["_id"] not in promoted:
            left[line_of(each)].append(each["queue_number"])
    because = "fewest_seats" if fair else "arrival"
    done = []
    for registration, held_key in chosen:
        passed_over = bisect_left(left[line_of(registration)], registration["queue_number"])
        why = {"because": because, "passed_over": passed_over}
        done.append(_promote(uow, event, registration, seats["last_number"], held_key, why))
        for name, by in counted(registration).items():
            seating.changes[name] -= by
    change_seats(uow, event["_id"], seating.changes)
    return done


def _enough_of_the_line(event: EventDocument, seating: Seating, *, fair: bool) -> int:
    """How many people in line can be served: as many as there are seats, where nobody is passed over; 0 is all."""
    passes_over = fair or event.get("max_per_organisation") is not None or seating.has_holds
    return 0 if passes_over or event.get("online_capacity") is not None else seating.free("on_site") or 0


def _promote(
    uow: UnitOfWork,
    event: EventDocument,
    registration: RegistrationDocument,
    calendar_sequence: int,
    held_key: str | None,
    why: Mapping[str, Any],
) -> RegistrationDocument:
    """`why` explains in history and message who moves up: by which order, and past how many who may have no seat."""
    offer = offer_on(event, uow.now, unconfirmed=registration.get("confirm_address", False), in_line=True)
    to, type = ("offered", "registration.offered") if offer else ("confirmed", "registration.promoted")
    changes = {
        "state": to,
        "position": None,
        "mail_not_before": None,
        "calendar_sequence": calendar_sequence,
        "held_key": held_key,
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

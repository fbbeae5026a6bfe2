"""What is done with registrations."""

from typing import Any

from services.events.events.store import EVENTS
from services.events.registrations.applicants import Applicant, takes_part
from services.events.registrations.domain import (
    check_invited,
    check_open,
    check_step,
    check_was_there,
    state_on_arrival,
)
from services.events.registrations.seats import change_seats, fill_seats, seats_of_organisation, take_number
from services.events.registrations.store import REGISTRATIONS
from services.events.registrations.turns import in_turn
from shared.cause import Cause
from shared.errors import NotFound
from shared.mongo.aggregates import Document
from shared.mongo.database import Database, Once
from shared.mongo.work import Work


def register(db: Database, cause: Cause, event_id: str, applicant: Applicant, *, once: Once | None) -> Document:
    """A seat, or the last place in line.

    Raises NotFound, NotOpen, NotInvited, Full; Conflict when the person is registered already.
    """

    def work(unit: Work) -> Document:
        seats = take_number(unit, event_id)
        event = unit.get(EVENTS, event_id)
        check_open(event, unit.now)
        audience = event["audience"]
        check_invited(
            audience,
            is_contact=applicant.contact_id is not None,
            role=applicant.role,
            enrolled=audience["open_to"] == "public"
            or takes_part(db, applicant.organisation_id, audience.get("season_id")),
        )
        limited = event.get("max_per_organisation") is not None and applicant.organisation_id
        state = state_on_arrival(
            event,
            taken=seats["taken"],
            of_organisation=seats_of_organisation(unit, event_id, str(applicant.organisation_id)) if limited else 0,
        )
        waits = state == "waitlisted"
        change_seats(unit, event_id, taken=int(not waits), waiting=int(waits))
        registration = {
            **applicant.fields(),
            "event_id": event_id,
            "state": state,
            "live": True,
            "queue_number": seats["last_number"],
            "position": seats["waiting"] + 1 if waits else None,
            "feedback": None,
        }
        return unit.insert(REGISTRATIONS, registration, "registration.created")

    return in_turn(db, event_id, work, cause=cause, once=once)


def move_registration(
    db: Database,
    cause: Cause,
    identifier: str,
    *,
    to: str,
    reason: str | None,
    if_match: int | None,
    once: Once | None,
) -> Document:
    """Cancels, or notes who came and who did not. Checking in somebody who is in already changes nothing.

    A cancelled seat goes to the first in line who may have it, in the same transaction.
    Raises NotFound, Stale, IllegalStep.
    """

    def work(unit: Work) -> Document:
        if to == "cancelled":
            take_number(unit, event_id)
        registration = unit.get(REGISTRATIONS, identifier, if_match=if_match)
        check_step(registration["state"], to)
        if registration["state"] == to:
            return registration
        changes: Document = {"state": to, "position": None, "live": to != "cancelled"}
        change = {"from": registration["state"], "to": to}
        after = unit.save(
            REGISTRATIONS, registration, changes, "registration.transitioned", change=change, reason=reason
        )
        if to == "cancelled":
            _give_back(unit, registration)
        return after

    if to != "cancelled":
        return db.transact(work, cause=cause, once=once)
    event_id = _event_of(db, identifier)
    return in_turn(db, event_id, work, cause=cause, once=once)


def give_feedback(
    db: Database, cause: Cause, identifier: str, feedback: dict[str, Any], *, once: Once | None
) -> Document:
    """Keeps the score and the comment in place of earlier ones. Raises NotFound, NotThere."""

    def work(unit: Work) -> Document:
        registration = unit.get(REGISTRATIONS, identifier)
        check_was_there(registration, unit.get(EVENTS, registration["event_id"]))
        given = {"score": feedback["score"], "comment": feedback.get("comment")}
        return unit.save(
            REGISTRATIONS, registration, {"feedback": given}, "feedback.given", change={"score": given["score"]}
        )

    return db.transact(work, cause=cause, once=once)


def _give_back(unit: Work, registration: Document) -> None:
    event_id = registration["event_id"]
    if registration["state"] == "waitlisted":
        change_seats(unit, event_id, waiting=-1)
        return
    change_seats(unit, event_id, taken=-1)
    fill_seats(unit, unit.get(EVENTS, event_id))


def _event_of(db: Database, identifier: str) -> str:
    registration = db[REGISTRATIONS.collection].find_one({"_id": identifier}, {"event_id": 1})
    if registration is None:
        raise NotFound("registration", identifier)
    return str(registration["event_id"])

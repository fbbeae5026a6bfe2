"""What is done with registrations."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

from services.events.events.store import EVENTS
from services.events.registrations.desk import Desk, Request
from services.events.registrations.domain import (
    check_invited,
    check_open,
    check_step,
    check_was_there,
    state_on_arrival,
)
from services.events.registrations.registrants import Registrant, takes_part
from services.events.registrations.seats import change_seats, fill_seats, seated_of, take_numbers
from services.events.registrations.store import REGISTRATIONS
from services.events.registrations.turns import in_turn
from shared.cause import Cause
from shared.errors import NotFound, Problem
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork

_DESK = Desk()


def register(
    db: Database, cause: Cause, event_id: str, applicant: Registrant, *, once: IdempotencyKey | None
) -> Document:
    """A seat, or the last place in line.

    Raises NotFound, NotOpen, NotInvited, Full; Conflict when the person is registered already.
    """
    request = Request(applicant=applicant, cause=cause, once=once)
    return _DESK.serve(db, event_id, request, partial(_admit, db))


def _admit(db: Database, uow: UnitOfWork, event_id: str, requests: Sequence[Request]) -> list[Document | Problem]:
    """Registers the applicants in their order; one who is refused leaves the others alone."""
    seats = take_numbers(uow, event_id, len(requests))
    event = uow.get(EVENTS, event_id)
    organisations = {one.applicant.organisation_id for one in requests if one.applicant.organisation_id}
    seated = Counter(seated_of(uow, event, organisations))
    taken, waiting, number = seats["taken"], seats["waiting"], seats["last_number"] - len(requests)
    answers: list[Document | Problem] = []
    for request in requests:
        applicant = request.applicant
        organisation = applicant.organisation_id
        try:
            check_open(event, uow.now, by_staff=bool(request.cause.roles))
            _check_invited(db, event["audience"], applicant)
            state = state_on_arrival(event, taken=taken, of_organisation=seated[organisation] if organisation else 0)
        except Problem as refusal:
            answers.append(refusal)
            continue
        waits = state == "waitlisted"
        number, taken, waiting = number + 1, taken + int(not waits), waiting + int(waits)
        if organisation and not waits:
            seated[organisation] += 1
        registration = {
            **applicant.fields(),
            "event_id": event_id,
            "state": state,
            "live": True,
            "queue_number": number,
            "position": waiting if waits else None,
            "feedback": None,
        }
        answers.append(uow.due_to(request.cause).insert(REGISTRATIONS, registration, "registration.created"))
    change_seats(uow, event_id, taken=taken - seats["taken"], waiting=waiting - seats["waiting"])
    return answers


def _check_invited(db: Database, audience: Document, applicant: Registrant) -> None:
    public = audience["open_to"] == "public"
    enrolled = public or takes_part(db, applicant.organisation_id, audience.get("season_id"))
    check_invited(audience, is_contact=applicant.contact_id is not None, role=applicant.role, enrolled=enrolled)


def move_registration(
    db: Database,
    cause: Cause,
    identifier: str,
    *,
    to: str,
    reason: str | None,
    if_match: int | None,
    once: IdempotencyKey | None,
) -> Document:
    """Cancels, or notes who came and who did not. Checking in somebody who is in already changes nothing.

    A cancelled seat goes to the first in line who may have it, in the same transaction.
    Raises NotFound, Stale, IllegalStep.
    """

    def work(uow: UnitOfWork) -> Document:
        if to == "cancelled":
            take_numbers(uow, event_id)
        registration = uow.get(REGISTRATIONS, identifier, if_match=if_match)
        check_step(registration["state"], to)
        if registration["state"] == to:
            return registration
        changes: Document = {"state": to, "position": None, "live": to != "cancelled"}
        change = {"from": registration["state"], "to": to}
        after = uow.save(
            REGISTRATIONS, registration, changes, "registration.transitioned", change=change, reason=reason
        )
        if to == "cancelled":
            _give_back(uow, registration)
        return after

    if to != "cancelled":
        return db.transact(work, cause=cause, once=once)
    event_id = _event_of(db, identifier)
    return in_turn(db, event_id, work, cause=cause, once=once)


def give_feedback(
    db: Database, cause: Cause, identifier: str, feedback: dict[str, Any], *, once: IdempotencyKey | None
) -> Document:
    """Keeps the score and the comment in place of earlier ones. Raises NotFound, NotThere."""

    def work(uow: UnitOfWork) -> Document:
        registration = uow.get(REGISTRATIONS, identifier)
        check_was_there(registration, uow.get(EVENTS, registration["event_id"]))
        given = {"score": feedback["score"], "comment": feedback.get("comment")}
        return uow.save(
            REGISTRATIONS, registration, {"feedback": given}, "feedback.given", change={"score": given["score"]}
        )

    return db.transact(work, cause=cause, once=once)


def _give_back(uow: UnitOfWork, registration: Document) -> None:
    event_id = registration["event_id"]
    if registration["state"] == "waitlisted":
        change_seats(uow, event_id, waiting=-1)
        return
    change_seats(uow, event_id, taken=-1)
    fill_seats(uow, uow.get(EVENTS, event_id))


def _event_of(db: Database, identifier: str) -> str:
    registration = db[REGISTRATIONS.collection].find_one({"_id": identifier}, {"event_id": 1})
    if registration is None:
        raise NotFound("registration", identifier)
    return str(registration["event_id"])

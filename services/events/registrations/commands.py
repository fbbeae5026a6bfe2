"""The commands on registrations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.events.events.store import EVENTS
from services.events.registrations.domain import check_invited, check_open, check_was_there, state_on_arrival
from services.events.registrations.registrants import Registrant, takes_part
from services.events.registrations.seats import change_seats, fill_seats, seated_of, take_numbers
from services.events.registrations.store import REGISTRATIONS, RegistrationDocument
from shared.cause import Cause
from shared.errors import Problem
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork


@dataclass(eq=False, kw_only=True)
class Request:
    """One request to register; `answer` is its registration or refusal once it has been served."""

    registrant: Registrant
    cause: Cause
    key: IdempotencyKey | None
    answer: RegistrationDocument | Exception | None = None


def admit(uow: UnitOfWork, event_id: str, requests: Sequence[Request]) -> list[RegistrationDocument | Problem]:
    """Registers the requests in their order: a seat, or the last place in line; a refusal leaves the others alone.

    The refusals are NotOpen, NotInvited and Full. Raises NotFound without such an event; Conflict when a person
    is registered already.
    """
    seats = take_numbers(uow, event_id, len(requests))
    event = uow.get(EVENTS, event_id)
    organisations = {request.registrant.organisation_id for request in requests if request.registrant.organisation_id}
    seated = Counter(seated_of(uow, event, organisations))
    taken, waiting, number = seats["taken"], seats["waiting"], seats["last_number"] - len(requests)
    answers: list[RegistrationDocument | Problem] = []
    for request in requests:
        registrant = request.registrant
        organisation = registrant.organisation_id
        try:
            check_open(event, uow.now, by_staff=bool(request.cause.roles))
            _check_invited(uow, event["audience"], registrant)
            state = state_on_arrival(event, taken=taken, of_organisation=seated[organisation] if organisation else 0)
        except Problem as refusal:
            answers.append(refusal)
            continue
        waits = state == "waitlisted"
        number, taken, waiting = number + 1, taken + int(not waits), waiting + int(waits)
        if organisation and not waits:
            seated[organisation] += 1
        registration = {
            **registrant.fields(),
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


def _check_invited(uow: UnitOfWork, audience: Mapping[str, Any], registrant: Registrant) -> None:
    public = audience["open_to"] == "public"
    enrolled = public or takes_part(uow, registrant.organisation_id, audience.get("season_id"))
    check_invited(audience, is_contact=registrant.contact_id is not None, role=registrant.role, enrolled=enrolled)


def move_registration(uow: UnitOfWork, registration_id: str, *, to: str, reason: str | None) -> RegistrationDocument:
    """Cancels, or notes who came and who did not. Checking in somebody who is in already changes nothing.

    A cancelled seat goes to the first in line who may have it, in the same transaction.
    Raises NotFound, Stale, IllegalTransition, Invalid.
    """
    registration = uow.get(REGISTRATIONS, registration_id)
    if registration["state"] == to == "attended":
        return registration
    changes = {"position": None, "live": to != "cancelled"}
    after = uow.transition(REGISTRATIONS, registration, to, reason=reason, changes=changes)
    if to == "cancelled":
        take_numbers(uow, registration["event_id"])
        _give_back(uow, registration)
    return after


def give_feedback(uow: UnitOfWork, registration_id: str, feedback: Mapping[str, Any]) -> RegistrationDocument:
    """Keeps the score and the comment in place of earlier ones. Raises NotFound, NotThere."""
    registration = uow.get(REGISTRATIONS, registration_id)
    check_was_there(registration, uow.get(EVENTS, registration["event_id"]))
    given = {"score": feedback["score"], "comment": feedback.get("comment")}
    return uow.save(
        REGISTRATIONS, registration, {"feedback": given}, "feedback.given", change={"score": given["score"]}
    )


def _give_back(uow: UnitOfWork, registration: RegistrationDocument) -> None:
    event_id = registration["event_id"]
    if registration["state"] == "waitlisted":
        change_seats(uow, event_id, waiting=-1)
        return
    change_seats(uow, event_id, taken=-1)
    fill_seats(uow, uow.get(EVENTS, event_id))

"""The commands on registrations."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.events.events.store import EVENTS
from services.events.feedback.store import keep_anonymous
from services.events.people.registrants import LONGEST_WAIT, confirm_address, take_mail
from services.events.questions.answers import Answers, replace_sensitive
from services.events.questions.domain import check_answers, with_answers
from services.events.registrations.actions import actions_by_link, check_may_cancel, check_was_there
from services.events.registrations.domain import (
    LIFECYCLE,
    SEATED,
    GivenAlready,
    NotOpen,
    check_let_in,
    check_may_accept,
)
from services.events.registrations.schemas import RegistrationFields
from services.events.registrations.seating import counted
from services.events.registrations.seats import change_seats, fill_seats, next_sequence
from services.events.registrations.store import REGISTRATIONS, RegistrationDocument
from shared.merge_patch import patched
from shared.mongo.unit_of_work import UnitOfWork

FIELDS = RegistrationFields()


def move_registration(
    uow: UnitOfWork,
    registration_id: str,
    *,
    to: str,
    reason: str | None,
    expired: bool = False,
    mail_not_before: datetime | None = None,
) -> RegistrationDocument:
    """Cancels, accepts an offered seat, or notes that the person came or did not come.

    With a reason staff let somebody in from the line, even where no seat is free (`registration.promoted`).

    A cancelled seat goes to the first person in line who may have it, in the same transaction. A second check-in
    of a person who is in changes nothing. `expired`: the time to take the seat ran out.
    Raises NotFound, Stale, IllegalTransition, Invalid, TooLate.
    """
    registration = uow.get(REGISTRATIONS, registration_id)
    if registration["state"] == to == "attended":
        return registration
    LIFECYCLE.check(registration["state"], to, reason=reason)
    check_let_in(registration, to, reason)
    if to == "confirmed":
        check_may_accept(registration, uow.now)
    changes: dict[str, Any] = {
        "state": to,
        "position": None,
        "live": to != "cancelled",
        "mail_not_before": mail_not_before,
    }
    if (registration["state"] in SEATED) != (to in SEATED) or registration["state"] == "offered":
        before = registration.get("calendar_sequence") or 0
        changes["calendar_sequence"] = next_sequence(uow, registration["event_id"], before)
    change: dict[str, Any] = {"from": registration["state"], "to": to}
    if expired:
        change["expired"] = True
    if registration["state"] == "waitlisted":
        changes["held_key"] = None  # staff let somebody in besides the seats that are held
    let_in = (registration["state"], to) == ("waitlisted", "confirmed")
    type = "registration.promoted" if let_in else "registration.transitioned"
    if let_in:
        change["because"] = "staff"
    after = uow.save(REGISTRATIONS, registration, changes, type, change=change, reason=reason)
    settle_seats(uow, registration, after)
    return after


def cancel_by_link(uow: UnitOfWork, registration_id: str) -> RegistrationDocument:
    """Cancels for the person who holds the link. The mail about it counts towards the limit of the address.

    Raises NotFound, IllegalTransition, TooLate.
    """
    registration = uow.get(REGISTRATIONS, registration_id)
    check_may_cancel(uow.get(EVENTS, registration["event_id"]), uow.now)
    mail_at = take_mail(uow, registration.get("address_key"), may_wait=True) or uow.now + LONGEST_WAIT
    waits_until = mail_at if mail_at > uow.now else None
    return move_registration(uow, registration_id, to="cancelled", reason=None, mail_not_before=waits_until)


def confirm_by_link(uow: UnitOfWork, registration_id: str) -> RegistrationDocument:
    """Takes the held seat for the person who holds the link, and confirms their address.

    A second time changes nothing. A person in line stays in line, and need not confirm again once they have a seat.
    Raises NotFound, IllegalTransition, TooLate.
    """
    registration = uow.get(REGISTRATIONS, registration_id)
    confirm_address(uow, registration.get("address_key"))
    if registration["state"] in ("confirmed", "waitlisted"):
        return uow.save(REGISTRATIONS, registration, {"confirm_address": False}, "registration.updated")
    return move_registration(uow, registration_id, to="confirmed", reason=None)


def change_registration(
    uow: UnitOfWork, registration_id: str, patch: Mapping[str, Any], answers: Answers | None = None
) -> RegistrationDocument:
    """Changes the language of the mails about it, and (unless None) the answers to the event's questions.

    Raises NotFound, Stale, Invalid.
    """
    registration = uow.get(REGISTRATIONS, registration_id)
    fields = patched(REGISTRATIONS.to_public(registration), patch, FIELDS)
    if answers is not None:
        replace_sensitive(uow, registration_id, uow.get(EVENTS, registration["event_id"]), answers.sealed)
        fields["answers"] = answers.plain
    return uow.save(REGISTRATIONS, registration, fields, "registration.updated")


def change_by_link(
    uow: UnitOfWork, registration_id: str, patch: Mapping[str, Any], answers: Answers | None
) -> RegistrationDocument:
    """As change_registration, for the person who holds the link. Raises NotFound, TooLate, NotOpen, Invalid."""
    registration = uow.get(REGISTRATIONS, registration_id)
    event = uow.get(EVENTS, registration["event_id"])
    check_may_cancel(event, uow.now)
    if "change" not in actions_by_link(registration, event, uow.now):
        raise NotOpen(f"A registration that is {registration['state']} stays as it is.")
    return change_registration(uow, registration_id, patch, answers)


def give_feedback(uow: UnitOfWork, registration_id: str, feedback: Mapping[str, Any]) -> RegistrationDocument:
    """Keeps the score, the comment and the answers in place of earlier ones. Messages hold the score alone.

    Anonymous feedback is kept apart, and nobody can replace it. Raises NotFound, NotThere, GivenAlready, Invalid.
    """
    registration = uow.get(REGISTRATIONS, registration_id)
    event = uow.get(EVENTS, registration["event_id"])
    check_was_there(registration, event)
    if registration.get("gave_feedback"):
        raise GivenAlready("Feedback on this event is anonymous: what you gave is kept, and cannot be changed.")
    questions = event.get("feedback_questions") or []
    answers = with_answers({}, check_answers(questions, feedback.get("answers") or {}, complete=False))
    if event.get("feedback_anonymous"):
        keep_anonymous(uow, event, {**feedback, "answers": answers})
        return uow.save(REGISTRATIONS, registration, {"gave_feedback": True}, "registration.updated")
    given = {
        "feedback": {"score": feedback["score"], "comment": None},
        "feedback_comment": feedback.get("comment"),
        "feedback_answers": answers,
    }
    return uow.save(REGISTRATIONS, registration, given, "feedback.given", change={"score": feedback["score"]})


def settle_seats(uow: UnitOfWork, before: RegistrationDocument, after: RegistrationDocument) -> None:
    """Moves the counts as the step moved the person, and gives a seat that came free to the next in line."""
    event_id = after["event_id"]
    changes = counted(after)
    changes.subtract(counted(before))
    change_seats(uow, event_id, changes)
    if changes["taken"] < 0:
        fill_seats(uow, uow.get(EVENTS, event_id))

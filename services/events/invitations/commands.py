"""The commands on invitations."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.events.events.store import EVENTS
from services.events.invitations.domain import LIFECYCLE, check_invites
from services.events.invitations.schemas import MOST_AT_ONCE
from services.events.invitations.store import INVITATIONS, InvitationDocument
from services.events.people.registrants import Registrant
from services.events.questions.answers import Answers
from services.events.registrations.admission import Request, admit
from services.events.registrations.domain import AlreadyRegistered
from services.events.registrations.seating import check_hold
from shared.errors import Problem
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork


def invite(
    uow: UnitOfWork, event_id: str, contacts: Sequence[Mapping[str, Any]], *, held_key: str | None = None
) -> Document:
    """Invites the contacts who have no invitation to the event, and returns those who have one.

    Two calls at once that name the same contact: the second meets the unique index and answers 409, which may be
    repeated. `held_key`: a yes takes one of the seats that the event holds under this key.
    Raises NotFound, NotInviting, Invalid.
    """
    event = uow.get(EVENTS, event_id)
    check_invites(event, uow.now)
    check_hold(event, held_key)
    wanted = {contact["_id"]: contact for contact in contacts}
    query = {"event_id": event_id, "contact_id": {"$in": list(wanted)}}
    before = {row["contact_id"] for row in uow.find(INVITATIONS.collection, query, projection={"contact_id": 1})}
    invited = [
        uow.insert(INVITATIONS, _new(event_id, contact, held_key), "invitation.created")
        for contact_id, contact in wanted.items()
        if contact_id not in before
    ]
    return {"invited": invited, "invited_before": sorted(before)}


def remind(uow: UnitOfWork, event_id: str) -> int:
    """Reminds the people who have not answered and were not reminded, 500 at most. Returns their number.

    Raises NotFound, NotInviting.
    """
    check_invites(uow.get(EVENTS, event_id), uow.now)
    query = {"event_id": event_id, "state": "sent", "reminded_at": None}
    silent = uow.find_all(INVITATIONS, query, limit=MOST_AT_ONCE)
    for invitation in silent:
        uow.save(INVITATIONS, invitation, {"reminded_at": uow.now}, "invitation.reminded")
    return len(silent)


def accept(
    uow: UnitOfWork,
    invitation_id: str,
    registrant: Registrant,
    *,
    mode: str | None = None,
    listed: bool = False,
    answers: Answers | None = None,
) -> InvitationDocument:
    """Gives the invited person a seat or a place in line. A second time changes nothing.

    Raises NotFound, NotInviting, IllegalTransition, NotOpen, Full, Invalid.
    """
    invitation = uow.get(INVITATIONS, invitation_id)
    if invitation["state"] == "accepted":
        return invitation
    LIFECYCLE.check(invitation["state"], "accepted")
    check_invites(uow.get(EVENTS, invitation["event_id"]), uow.now)
    seat: dict[str, Any] = {"mode": mode, "held_key": invitation.get("held_key")}
    request = Request(registrant=registrant, invited=True, listed=listed, answers=answers or Answers(), **seat)
    registration_id = _register(uow, invitation["event_id"], request)
    changes = {"registration_id": registration_id, "answered_at": uow.now, "reason": None}
    return uow.transition(INVITATIONS, invitation, "accepted", changes=changes)


def decline(uow: UnitOfWork, invitation_id: str, reason: str | None) -> InvitationDocument:
    """Keeps the no and its reason. A second no replaces the reason. Raises NotFound, NotInviting, IllegalTransition."""
    invitation = uow.get(INVITATIONS, invitation_id)
    check_invites(uow.get(EVENTS, invitation["event_id"]), uow.now)
    if invitation["state"] == "declined":
        changes = {"reason": reason or invitation["reason"]}
        return uow.save(INVITATIONS, invitation, changes, "invitation.transitioned", change=_STILL_DECLINED)
    return uow.transition(INVITATIONS, invitation, "declined", changes={"reason": reason, "answered_at": uow.now})


def send_a_colleague(
    uow: UnitOfWork,
    invitation_id: str,
    colleague: Registrant,
    *,
    mode: str | None = None,
    answers: Answers | None = None,
) -> InvitationDocument:
    """Registers the colleague, who counts for the same organisation; they hear of it by mail. Again is harmless.

    Whoever holds the link names the colleague's address, so the mails to it are counted as the public form's are.
    Raises NotFound, NotInviting, IllegalTransition, NotOpen, Invalid.
    """
    invitation = uow.get(INVITATIONS, invitation_id)
    if invitation["state"] == "replaced":
        return invitation
    LIFECYCLE.check(invitation["state"], "replaced")
    check_invites(uow.get(EVENTS, invitation["event_id"]), uow.now)
    seat: dict[str, Any] = {"mode": mode, "held_key": invitation.get("held_key")}
    request = Request(registrant=colleague, public=True, invited=True, answers=answers or Answers(), **seat)
    registration_id = _register(uow, invitation["event_id"], request)
    changes = {"registration_id": registration_id, "answered_at": uow.now}
    return uow.transition(INVITATIONS, invitation, "replaced", changes=changes)


def _register(uow: UnitOfWork, event_id: str, request: Request) -> str | None:
    """The registration that the request made or met; None when there is none."""
    request.cause = uow.cause
    [answer] = admit(uow, event_id, [request])
    if isinstance(answer, AlreadyRegistered):
        return str(answer.members["existing_id"])
    if isinstance(answer, Problem):
        raise answer
    return answer.get("_id")


def _new(event_id: str, contact: Mapping[str, Any], held_key: str | None) -> Document:
    return {
        "event_id": event_id,
        "contact_id": contact["_id"],
        "organisation_id": contact.get("organisation_id"),
        "role": contact.get("role"),
        "language": contact.get("language") or "fi",
        "state": "sent",
        "reason": None,
        "answered_at": None,
        "reminded_at": None,
        "registration_id": None,
        "held_key": held_key,
    }


_STILL_DECLINED = {"from": "declined", "to": "declined"}

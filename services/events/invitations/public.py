"""/public/invitations/{token}: the answer to an invitation, by the signed link in its mail"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from services.events.events.store import EVENTS
from services.events.invitations import commands
from services.events.invitations.domain import answers_of
from services.events.invitations.schemas import AnswerInput, OwnInvitation
from services.events.invitations.store import INVITATIONS, InvitationDocument
from services.events.people.registrants import find_registrant
from services.events.public.links import INVITATION_LINK, READING, WRITING, registration_token
from services.events.questions.answers import checked
from shared.errors import Invalid
from shared.http.auth import open_to_all
from shared.http.calls import database, run, the
from shared.http.limits import limited
from shared.http.routes import Routes, load_one
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.contention import in_turn
from shared.pages.blueprint import errors_in
from shared.pages.forms import form, page
from shared.pages.rendering import render, see
from shared.secrets import Secrets

routes = Routes("public_invitations", __name__, url_prefix="/public", description="The answer to an invitation")


def invitation_page(own: Document, *, problem: Document | None = None, **_: Any) -> Response:
    """The invitation with the answers that can be given."""
    return render(
        "public/invitation.html",
        usual_language=own["language"],
        own=own,
        event=own["event"],
        answered="answered" in request.args,
        errors=errors_in(problem) if problem else {},
    )


def answered(_: object, *, token: str) -> AnyResponse:
    """Redirects to the invitation, which shows the answer."""
    return see("public_invitations.show_own_invitation", token=token, answered="yes")


def again(problem: Document, *, token: str) -> Response:
    """The page again, with the errors."""
    return invitation_page(_own(_invitation(token)), problem=problem)


@routes.get("/invitations/<token>")
@open_to_all
@limited(READING)
@routes.response(200, OwnInvitation)
@page(invitation_page)
def show_own_invitation(token: str) -> Document:
    """Show one's own invitation"""
    return _own(_invitation(token))


@routes.post("/invitations/<token>")
@open_to_all
@limited(WRITING)
@form(again)
@routes.takes(AnswerInput)
@routes.response(200, OwnInvitation)
@page(answered)
def answer_invitation(body: dict[str, Any], token: str) -> Document:
    """Say yes, no, or name a colleague who comes instead"""
    invitation = _invitation(token)
    return _own(in_turn(invitation["event_id"], lambda: _answer(invitation, body)))


def _answer(invitation: Document, body: dict[str, Any]) -> InvitationDocument:
    if body["answer"] == "accepted":
        contact = find_registrant(database(), the(Secrets), {"contact_id": invitation["contact_id"]})
        again = invitation["state"] == "accepted"  # a link that is opened twice asks nothing more
        return run(
            commands.accept,
            invitation["_id"],
            contact,
            **_seat_in(invitation, body, complete=not again),
            listed=body.get("listed", False),
        )
    if "colleague" in body:
        colleague = find_registrant(database(), the(Secrets), {"person": body["colleague"]})
        if colleague.contact_id == invitation["contact_id"]:
            raise Invalid({"colleague.email": ["Name another person than yourself."]})
        if colleague.contact_id is None:
            colleague = replace(colleague, organisation_id=invitation["organisation_id"])
        # The person who is invited need not know a colleague's answers: the link in the colleague's mail asks.
        seat = _seat_in(invitation, body, complete=False)
        return run(commands.send_a_colleague, invitation["_id"], colleague, **seat)
    return run(commands.decline, invitation["_id"], body.get("reason"))


def _seat_in(invitation: Document, body: dict[str, Any], *, complete: bool) -> dict[str, Any]:
    """The kind of seat, and the answers to the event's own questions. Raises Invalid."""
    event = load_one(database(), EVENTS, invitation["event_id"])
    return {
        "mode": body.get("mode"),
        "answers": checked(the(Secrets), event, body.get("answers"), complete=complete),
    }


def _invitation(token: str) -> Document:
    return load_one(database(), INVITATIONS, the(Secrets).unsign(INVITATION_LINK, token))


def _own(invitation: Mapping[str, Any]) -> Document:
    event = load_one(database(), EVENTS, invitation["event_id"])
    accepted = invitation["state"] == "accepted" and invitation["registration_id"]
    return {
        "state": invitation["state"],
        "answers": answers_of(invitation, event, utc_now()),
        "language": invitation["language"],
        "event": event,
        "registration_token": registration_token(the(Secrets), accepted, event) if accepted else None,
    }

"""/v1/events/{id}/invitations and /v1/invitations"""

from typing import Any

from services.events.events.store import EVENTS
from services.events.invitations import commands
from services.events.invitations.schemas import (
    InvitationQuery,
    InvitationShown,
    InvitationsInput,
    InvitationSummary,
    Invited,
    Reminded,
)
from services.events.invitations.segments import not_invited_yet
from services.events.invitations.store import INVITATIONS, count_answers
from services.events.people.registrants import find_contact
from shared.errors import NotArrivedYet
from shared.http.calls import database, run
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.paging import Page, page

routes = Routes("invitations", __name__, url_prefix="/v1", description="The people who were invited, and their answers")


@routes.post("/events/<id>/invitations")
@routes.takes(InvitationsInput)
@routes.response(200, Invited)
def invite(body: dict[str, Any], id: str) -> Document:
    """Invite contacts, or a segment's, to an event; each gets a mail with a link to answer"""
    if "segment" in body:
        load_one(database(), EVENTS, id)
        members, left = not_invited_yet(database(), body["segment"], id)
        return {**run(commands.invite, id, members, held_key=body.get("held_key")), "left": left}
    contacts = [(number, find_contact(database(), contact_id)) for number, contact_id in enumerate(body["contact_ids"])]
    for number, contact in contacts:
        if contact is None:
            raise NotArrivedYet(f"contact_ids.{number}", "contact")
    found = [contact for _, contact in contacts if contact]
    return {**run(commands.invite, id, found, held_key=body.get("held_key")), "left": 0}


@routes.get("/events/<id>/invitations")
@routes.query(InvitationQuery)
@routes.lists(InvitationShown)
def list_invitations(query: dict[str, Any], id: str) -> Page:
    """List an event's invitations with their answers"""
    load_one(database(), EVENTS, id)
    conditions = {name: query[name] for name in ("state", "organisation_id") if name in query} | {"event_id": id}
    return page(database(), INVITATIONS.collection, conditions, limit=query["limit"], cursor=query["cursor"])


@routes.get("/events/<id>/invitations/summary")
@routes.response(200, InvitationSummary)
def summarise_invitations(id: str) -> Document:
    """Count the answers to an event's invitations, in all and by organisation"""
    load_one(database(), EVENTS, id)
    return count_answers(database(), id)


@routes.post("/events/<id>/invitations/remind")
@routes.response(200, Reminded)
def remind_the_silent(id: str) -> Document:
    """Remind, once, those who have not answered"""
    return {"reminded": run(commands.remind, id)}


@routes.get("/invitations/<id>")
@routes.answers(InvitationShown)
def show_invitation(id: str) -> Document:
    """Show an invitation"""
    return load_one(database(), INVITATIONS, id)


add_history(routes, "/invitations/<id>/history", None, INVITATIONS)

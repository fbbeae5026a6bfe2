"""/public/registrations/{token}/participants: who else comes, of those who agreed to be seen"""

from typing import Any

from services.events.door_list.rows import people_of
from services.events.events.store import EVENTS
from services.events.public import pages
from services.events.public.links import READING, REGISTRATION_LINK
from services.events.public.schemas import Participant
from services.events.registrations.domain import ADMITTED, NotAdmitted
from services.events.registrations.store import BY_ARRIVAL, REGISTRATIONS
from shared.http.auth import open_to_all
from shared.http.calls import database, the
from shared.http.limits import limited
from shared.http.routes import Routes, load_one
from shared.mongo.paging import Page
from shared.mongo.paging import page as page_of
from shared.pages.forms import page
from shared.schemas import PageQuery
from shared.secrets import Secrets

routes = Routes("participants", __name__, url_prefix="/public", description="Who else comes")


@routes.get("/registrations/<token>/participants")
@open_to_all
@limited(READING)
@routes.query(PageQuery)
@routes.lists(Participant)
@page(pages.participants_page)
def list_participants(query: dict[str, Any], token: str) -> Page:
    """List those who have a seat and agreed to it, for people with a seat; where the event has such a list"""
    own = load_one(database(), REGISTRATIONS, the(Secrets).unsign(REGISTRATION_LINK, token))
    event = load_one(database(), EVENTS, own["event_id"])
    if not event.get("participant_list") or own["state"] not in ADMITTED:
        raise NotAdmitted("The list of participants is for people with a seat, at events that have one.")
    agreed = {"event_id": event["_id"], "state": {"$in": list(ADMITTED)}, "listed": True}
    paging = {"limit": query["limit"], "cursor": query["cursor"], "sort": BY_ARRIVAL}
    found = page_of(database(), REGISTRATIONS.collection, agreed, **paging)
    people = people_of(database(), the(Secrets), found.items)
    shown = [
        {"name": f"{person['given_name']} {person['family_name']}".strip(), "organisation": person["organisation"]}
        for person in people
    ]
    return Page(items=[person for person in shown if person["name"]], next_cursor=found.next_cursor)

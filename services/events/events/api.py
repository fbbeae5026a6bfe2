"""/v1/events"""

from typing import Any

from services.events.events import commands
from services.events.events.schemas import Event, EventInput, EventQuery
from services.events.events.store import BY_START, EVENTS, EventDocument, events_asked_for
from services.events.registrations.event_lock import in_turn
from shared.http.calls import database, run
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes
from shared.mongo.paging import Page, page
from shared.schemas import patch_of

routes = Routes("events", __name__, url_prefix="/v1", description="Webinars, seminars and workshops")

events = ResourceRoutes(routes=routes, path="/events", aggregate=EVENTS, shown=Event)
events.create(EventInput, commands.create_event, "Draft an event")
events.show("Show an event")
events.move(commands.move_event, "Publish, complete or cancel an event")
events.history()


@routes.get("/events")
@routes.query(EventQuery)
@routes.lists(Event)
def list_events(query: dict[str, Any]) -> Page:
    """List events, the earliest first"""
    asked, limit, cursor = events_asked_for(query), query["limit"], query["cursor"]
    return page(database(), EVENTS.collection, asked, limit=limit, cursor=cursor, sort=BY_START)


@routes.patch("/events/<id>")
@routes.takes(patch_of(EventInput))
@routes.answers(Event)
def change_event(body: dict[str, Any], id: str) -> EventDocument:
    """Change an event (JSON merge patch; needs If-Match)"""
    return in_turn(id, lambda: run(commands.change_event, id, body))

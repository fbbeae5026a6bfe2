"""/v1/events"""

from typing import Any

from services.events.events import commands
from services.events.events.domain import LIFECYCLE
from services.events.events.schemas import Event, EventInput, EventQuery
from services.events.events.store import EVENTS, EventDocument
from shared.http.calls import run
from shared.http.listing import Sort
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes
from shared.mongo.contention import in_turn
from shared.schemas import patch_of, transition_of

routes = Routes("events", __name__, url_prefix="/v1", description="Webinars, seminars and workshops")

events = ResourceRoutes(routes=routes, path="/events", aggregate=EVENTS, shown=Event)
events.create(EventInput, commands.create_event, "Draft an event")
events.list(
    EventQuery,
    "List events, the earliest first",
    filters=["kind", "state", "season_id"],
    conditions={
        "starts_from": lambda moment: {"starts_at": {"$gte": moment}},
        "starts_before": lambda moment: {"starts_at": {"$lt": moment}},
    },
    sorts={"starts_at": Sort("starts_at")},
    default_sort="starts_at",
    counts=["kind", "state", "season_id"],
)
events.show("Show an event")
events.history()


@routes.patch("/events/<id>")
@routes.takes(patch_of(EventInput))
@routes.answers(Event)
def change_event(body: dict[str, Any], id: str) -> EventDocument:
    """Change an event (JSON merge patch; needs If-Match)"""
    return in_turn(id, lambda: run(commands.change_event, id, body))


@routes.post("/events/<id>/transitions")
@routes.takes(transition_of(LIFECYCLE.states, "event"))
@routes.answers(Event)
def move_event(body: dict[str, Any], id: str) -> EventDocument:
    """Publish, complete or cancel an event"""
    return in_turn(id, lambda: run(commands.move_event, id, to=body["to"], reason=body.get("reason")))

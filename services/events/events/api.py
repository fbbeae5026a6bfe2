"""/v1/events"""

from functools import partial
from typing import Any

from services.events.events import commands
from services.events.events.domain import LIFECYCLE
from services.events.events.schemas import Copies, CopiesInput, EventInput, EventQuery, EventShown, PreviewQuery
from services.events.events.store import EVENTS
from services.events.people.registrants import speakers_of
from services.events.previews import Command, preview
from shared.http.calls import database, run, the
from shared.http.listing import Sort
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.contention import in_turn
from shared.schemas import patch_of, transition_of
from shared.secrets import Secrets

routes = Routes("events", __name__, url_prefix="/v1", description="Webinars, seminars and workshops")

events = ResourceRoutes(routes=routes, path="/events", aggregate=EVENTS, shown=EventShown)
events.create(EventInput, commands.create_event, "Draft an event")
events.list(
    EventQuery,
    "List events, the earliest first",
    filters=["kind", "state", "season_id", "series_id"],
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
@routes.query(PreviewQuery)
@routes.takes(patch_of(EventInput))
@routes.answers(EventShown)
def change_event(query: dict[str, Any], body: dict[str, Any], id: str) -> Any:
    """Change an event (JSON merge patch; needs If-Match)"""
    speakers = speakers_of(database(), the(Secrets), body.get("agenda"))
    return _made(query, id, partial(commands.change_event, event_id=id, patch=body, speakers=speakers))


@routes.post("/events/<id>/transitions")
@routes.query(PreviewQuery)
@routes.takes(transition_of(LIFECYCLE.states, "event"))
@routes.answers(EventShown)
def move_event(query: dict[str, Any], body: dict[str, Any], id: str) -> Any:
    """Publish, complete or cancel an event"""
    speakers = speakers_of(database(), the(Secrets), load_one(database(), EVENTS, id).get("agenda"))
    step = partial(commands.move_event, event_id=id, to=body["to"], reason=body.get("reason"), speakers=speakers)
    return _made(query, id, step)


def _made(query: dict[str, Any], event_id: str, command: Command) -> Any:
    """The event after the command, or with `?preview=true` what the command would do."""
    return in_turn(event_id, partial(preview if query["preview"] else run, command))


@routes.post("/events/<id>/copies")
@routes.takes(CopiesInput)
@routes.response(201, Copies)
def copy_event(body: dict[str, Any], id: str) -> Document:
    """Draft copies of an event at other times, with all its dates moved by the difference"""
    return {"events": run(commands.copy_event, id, body["starts_at"], series=body["series"])}

"""/v1/events"""

from typing import Any

from services.events.events import commands
from services.events.events.schemas import Event, EventInput, EventQuery
from services.events.events.store import BY_START, EVENTS, events_asked_for
from shared.http.calls import if_match, once, request_cause, required_match
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page
from shared.schemas import MergePatch, TransitionInput


def routes(db: Database) -> Routes:
    """The events' part of the service's HTTP interface."""
    blueprint = Routes("events", __name__, url_prefix="/v1", description="Webinars, seminars and workshops")

    @blueprint.route("/events", methods=["POST"])
    @blueprint.takes(EventInput)
    @blueprint.answers(Event, 201)
    def create_event(body: dict[str, Any]) -> Document:
        """Draft an event"""
        return commands.create_event(db, request_cause(), body, once=once())

    @blueprint.route("/events", methods=["GET"])
    @blueprint.query(EventQuery)
    @blueprint.lists(Event)
    def list_events(query: dict[str, Any]) -> Page:
        """List events, the earliest first"""
        return page(
            db,
            EVENTS.collection,
            events_asked_for(query),
            limit=query["limit"],
            cursor=query["cursor"],
            sort=BY_START,
        )

    @blueprint.route("/events/<id>", methods=["GET"])
    @blueprint.answers(Event)
    def get_event(id: str) -> Document:
        """Show an event"""
        return load_one(db, EVENTS, id)

    @blueprint.route("/events/<id>", methods=["PATCH"])
    @blueprint.takes(MergePatch)
    @blueprint.answers(Event)
    def change_event(body: dict[str, Any], id: str) -> Document:
        """Change an event (JSON merge patch; needs If-Match)"""
        return commands.change_event(db, request_cause(), id, body, if_match=required_match(if_match()))

    @blueprint.route("/events/<id>/transitions", methods=["POST"])
    @blueprint.takes(TransitionInput)
    @blueprint.answers(Event)
    def move_event(body: dict[str, Any], id: str) -> Document:
        """Publish, complete or cancel an event"""
        return commands.move_event(
            db, request_cause(), id, to=body["to"], reason=body.get("reason"), if_match=if_match(), once=once()
        )

    add_history(blueprint, "/events/<id>/history", db, EVENTS)
    return blueprint

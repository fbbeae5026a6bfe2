"""/v1/events/{id}/registrations and /v1/registrations"""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import fields

from services.events.events.store import EVENTS
from services.events.registrations import commands
from services.events.registrations.admission import Request
from services.events.registrations.batching import RegistrationBatcher
from services.events.registrations.domain import LIFECYCLE
from services.events.registrations.door_list import COLUMNS, door_list
from services.events.registrations.event_lock import in_turn
from services.events.registrations.registrants import find_registrant
from services.events.registrations.schemas import (
    FeedbackInput,
    RegistrationInput,
    RegistrationQuery,
    RegistrationShown,
    Summary,
)
from services.events.registrations.store import REGISTRATIONS
from services.events.registrations.views import registrations_of, shown, summary
from shared.http.calls import database, idempotency_key, request_cause, run, the
from shared.http.downloads import table_answer
from shared.http.media import gives_media, shows_more_than_its_version
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.paging import Page
from shared.schemas import Strict, one_of, transition_of
from shared.secrets import Secrets
from shared.tables import CSV, XLSX


class TableQuery(Strict):
    format = one_of("csv", "xlsx", load_default=None)
    separator = one_of(",", ";", load_default=",", metadata={"description": "`;` opens in columns in Finnish Excel"})


routes = Routes("registrations", __name__, url_prefix="/v1", description="Who comes to which event")


@routes.post("/events/<id>/registrations")
@routes.takes(RegistrationInput)
@routes.answers(RegistrationShown, 201)
def register(body: dict[str, Any], id: str) -> Document:
    """Register a contact, or a person for an event open to the public"""
    registrant = find_registrant(database(), the(Secrets), body)
    request = Request(registrant=registrant, cause=request_cause(), key=idempotency_key())
    registration = the(RegistrationBatcher).register(id, request)
    return {**registration, "person": body.get("person") if registration["person_sealed"] else None}


@routes.get("/events/<id>/registrations")
@routes.query(RegistrationQuery)
@routes.lists(RegistrationShown)
def list_registrations(query: dict[str, Any], id: str) -> Page:
    """List an event's registrations in the order of arrival; `q` looks in names"""
    load_one(database(), EVENTS, id)
    return registrations_of(database(), the(Secrets), id, query)


@routes.get("/events/<id>/registrations.csv")
@gives_media(CSV, XLSX)
@routes.query(TableQuery)
@routes.response(200, fields.String(), content_type=CSV)
def list_for_the_door(query: dict[str, Any], id: str) -> Response:
    """The list for the door, as CSV or XLSX"""
    load_one(database(), EVENTS, id)
    rows = door_list(database(), the(Secrets), id)
    return table_answer(COLUMNS, rows, name="registrations", format=query["format"], separator=query["separator"])


@routes.get("/events/<id>/summary")
@routes.response(200, Summary)
def get_summary(id: str) -> Document:
    """Count an event's registrations and scores"""
    load_one(database(), EVENTS, id)
    return summary(database(), id)


@routes.get("/registrations/<id>")
@shows_more_than_its_version  # the position in the line
@routes.answers(RegistrationShown)
def show_registration(id: str) -> Document:
    """Show a registration"""
    return _shown(load_one(database(), REGISTRATIONS, id))


@routes.post("/registrations/<id>/transitions")
@routes.takes(transition_of(LIFECYCLE.states, "registration"))
@routes.answers(RegistrationShown)
def move_registration(body: dict[str, Any], id: str) -> Document:
    """Cancel a registration, or note who came and who did not"""
    event_id = load_one(database(), REGISTRATIONS, id)["event_id"]
    reason = body.get("reason")
    return _shown(in_turn(event_id, lambda: run(commands.move_registration, id, to=body["to"], reason=reason)))


@routes.post("/registrations/<id>/feedback")
@routes.takes(FeedbackInput)
@routes.answers(RegistrationShown)
def give_feedback(body: dict[str, Any], id: str) -> Document:
    """Keep what somebody thought of the event; again replaces it"""
    return _shown(run(commands.give_feedback, id, body))


add_history(routes, "/registrations/<id>/history", None, REGISTRATIONS)


def _shown(registration: Mapping[str, Any]) -> Document:
    return shown(database(), the(Secrets), registration)[0]

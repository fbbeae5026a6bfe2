"""/v1/events/{id}/registrations and /v1/registrations"""

from typing import Any

from flask import Response
from marshmallow import fields

from services.events.events.store import EVENTS
from services.events.registrations import commands
from services.events.registrations.door_list import COLUMNS, door_list
from services.events.registrations.registrants import find_applicant
from services.events.registrations.schemas import (
    FeedbackInput,
    RegistrationInput,
    RegistrationQuery,
    RegistrationShown,
    Summary,
)
from services.events.registrations.store import REGISTRATIONS
from services.events.registrations.views import registrations_of, shown, summary
from shared.http.calls import if_match, once, request_cause
from shared.http.downloads import table_answer
from shared.http.media import gives_media
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page
from shared.schemas import Strict, TransitionInput, one_of
from shared.secrets import Secrets
from shared.tables import CSV, XLSX


class TableQuery(Strict):
    format = one_of("csv", "xlsx", load_default=None)


def routes(db: Database, secrets: Secrets) -> Routes:
    """The registrations' part of the service's HTTP interface."""
    blueprint = Routes("registrations", __name__, url_prefix="/v1", description="Who comes to which event")

    @blueprint.route("/events/<id>/registrations", methods=["POST"])
    @blueprint.takes(RegistrationInput)
    @blueprint.answers(RegistrationShown, 201)
    def register(body: dict[str, Any], id: str) -> Document:
        """Register a contact, or a person for an event open to the public"""
        applicant = find_applicant(db, secrets, body)
        registration = commands.register(db, request_cause(), id, applicant, once=once())
        return {**registration, "person": body.get("person") if registration["person_sealed"] else None}

    @blueprint.route("/events/<id>/registrations", methods=["GET"])
    @blueprint.query(RegistrationQuery)
    @blueprint.lists(RegistrationShown)
    def list_registrations(query: dict[str, Any], id: str) -> Page:
        """List an event's registrations in the order of arrival; `q` looks in names"""
        load_one(db, EVENTS, id)
        return registrations_of(db, secrets, id, query)

    @blueprint.route("/events/<id>/registrations.csv", methods=["GET"])
    @gives_media(CSV, XLSX)
    @blueprint.query(TableQuery)
    @blueprint.response(200, fields.String(), content_type=CSV)
    def list_for_the_door(query: dict[str, Any], id: str) -> Response:
        """The list for the door, as CSV or XLSX"""
        load_one(db, EVENTS, id)
        return table_answer(COLUMNS, door_list(db, secrets, id), name="registrations", format=query["format"])

    @blueprint.route("/events/<id>/summary", methods=["GET"])
    @blueprint.response(200, Summary)
    def get_summary(id: str) -> Document:
        """Count an event's registrations and scores"""
        load_one(db, EVENTS, id)
        return summary(db, id)

    @blueprint.route("/registrations/<id>", methods=["GET"])
    @blueprint.answers(RegistrationShown)
    def get_registration(id: str) -> Document:
        """Show a registration"""
        return shown(db, secrets, load_one(db, REGISTRATIONS, id))[0]

    @blueprint.route("/registrations/<id>/transitions", methods=["POST"])
    @blueprint.takes(TransitionInput)
    @blueprint.answers(RegistrationShown)
    def move_registration(body: dict[str, Any], id: str) -> Document:
        """Cancel a registration, or note who came and who did not"""
        moved = commands.move_registration(
            db, request_cause(), id, to=body["to"], reason=body.get("reason"), if_match=if_match(), once=once()
        )
        return shown(db, secrets, moved)[0]

    @blueprint.route("/registrations/<id>/feedback", methods=["POST"])
    @blueprint.takes(FeedbackInput)
    @blueprint.answers(RegistrationShown)
    def give_feedback(body: dict[str, Any], id: str) -> Document:
        """Keep what somebody thought of the event; again replaces it"""
        return shown(db, secrets, commands.give_feedback(db, request_cause(), id, body, once=once()))[0]

    add_history(blueprint, "/registrations/<id>/history", db, REGISTRATIONS)
    return blueprint

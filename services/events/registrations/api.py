"""/v1/events/{id}/registrations and /v1/registrations"""

from collections.abc import Mapping
from typing import Any

from services.events.events.store import EVENTS
from services.events.people.registrants import find_registrant
from services.events.registrations import commands
from services.events.registrations.admission import RegistrationBatcher, Request
from services.events.registrations.domain import LIFECYCLE
from services.events.registrations.schemas import (
    FeedbackInput,
    RegistrationInput,
    RegistrationQuery,
    RegistrationShown,
    Summary,
)
from services.events.registrations.store import REGISTRATIONS
from services.events.registrations.views import registrations_of, shown, summary
from shared.http.calls import database, run, run_in_group, the
from shared.http.media import shows_more_than_its_version
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.contention import in_turn
from shared.mongo.paging import Page
from shared.schemas import transition_of
from shared.secrets import Secrets

routes = Routes("registrations", __name__, url_prefix="/v1", description="The people who come to an event")


@routes.post("/events/<id>/registrations")
@routes.takes(RegistrationInput)
@routes.answers(RegistrationShown, 201)
def register(body: dict[str, Any], id: str) -> Document:
    """Register a contact, or a person for an event open to the public"""
    registrant = find_registrant(database(), the(Secrets), body)
    registration = run_in_group(the(RegistrationBatcher), id, Request(registrant=registrant))
    return {**registration, "person": body.get("person") if registration["person_sealed"] else None}


@routes.get("/events/<id>/registrations")
@routes.query(RegistrationQuery)
@routes.lists(RegistrationShown)
def list_registrations(query: dict[str, Any], id: str) -> Page:
    """List an event's registrations in the order of arrival; `q` looks in names"""
    load_one(database(), EVENTS, id)
    return registrations_of(database(), the(Secrets), id, query)


@routes.get("/events/<id>/summary")
@routes.response(200, Summary)
def get_summary(id: str) -> Document:
    """Count an event's registrations and scores"""
    load_one(database(), EVENTS, id)
    return summary(database(), id)


@routes.get("/registrations/<id>")
@shows_more_than_its_version  # the position depends on other registrations
@routes.answers(RegistrationShown)
def show_registration(id: str) -> Document:
    """Show a registration"""
    return _shown(load_one(database(), REGISTRATIONS, id))


@routes.post("/registrations/<id>/transitions")
@routes.takes(transition_of(LIFECYCLE.states, "registration"))
@routes.answers(RegistrationShown)
def move_registration(body: dict[str, Any], id: str) -> Document:
    """Cancel a registration, or note that the person came or did not come"""
    event_id = load_one(database(), REGISTRATIONS, id)["event_id"]
    reason = body.get("reason")
    return _shown(in_turn(event_id, lambda: run(commands.move_registration, id, to=body["to"], reason=reason)))


@routes.post("/registrations/<id>/feedback")
@routes.takes(FeedbackInput)
@routes.answers(RegistrationShown)
def give_feedback(body: dict[str, Any], id: str) -> Document:
    """Keep a person's feedback on the event; a second one replaces the first"""
    return _shown(run(commands.give_feedback, id, body))


add_history(routes, "/registrations/<id>/history", None, REGISTRATIONS)


def _shown(registration: Mapping[str, Any]) -> Document:
    return shown(database(), the(Secrets), registration)[0]

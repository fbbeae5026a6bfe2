"""/v1/events/{id}/registrations and /v1/registrations"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from services.events.events.store import EVENTS
from services.events.people.registrants import find_registrant
from services.events.questions.answers import Answers, changed_answers, checked
from services.events.registrations import commands
from services.events.registrations.admission import RegistrationBatcher, Request
from services.events.registrations.batches import register_batch
from services.events.registrations.domain import LIFECYCLE
from services.events.registrations.schemas import (
    Batch,
    BatchInput,
    FeedbackInput,
    OfSeries,
    RegistrantInput,
    RegistrationFields,
    RegistrationInput,
    RegistrationQuery,
    RegistrationShown,
    Summary,
    TransferInput,
)
from services.events.registrations.series import coming_events, register_for_all
from services.events.registrations.store import REGISTRATIONS
from services.events.registrations.transfers import transfer
from services.events.registrations.views import registrations_of, shown, summary
from shared.errors import Invalid, NotFound
from shared.http.calls import database, run, run_in_group, the
from shared.http.media import shows_more_than_its_version
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.contention import in_turn
from shared.mongo.paging import Page
from shared.schemas import patch_of, transition_of
from shared.secrets import Secrets

routes = Routes("registrations", __name__, url_prefix="/v1", description="The people who come to an event")


@routes.post("/events/<id>/registrations")
@routes.takes(RegistrationInput)
@routes.answers(RegistrationShown, 201)
def register(body: dict[str, Any], id: str) -> Document:
    """Register a contact, or a person for an event open to the public"""
    registrant = find_registrant(database(), the(Secrets), body)
    override = body.get("override") and body["override"]["reason"]
    request = Request(registrant=registrant, override=override, answers=_answers_in(body, id), **_seat_in(body))
    registration = run_in_group(the(RegistrationBatcher), id, request)
    return {**registration, "person": body.get("person") if registration["person_sealed"] else None}


@routes.post("/events/<id>/registrations/batch")
@routes.takes(BatchInput)
@routes.response(200, Batch)
def register_several(body: dict[str, Any], id: str) -> Document:
    """Register several people at once: all or none, or as many as there are seats"""
    requests = [
        Request(
            registrant=find_registrant(database(), the(Secrets), entry),
            seat_only=True,
            answers=_answers_in(entry, id),
            **_seat_in(entry),
        )
        for entry in body["registrations"]
    ]
    done = in_turn(id, partial(run, register_batch, id, requests, all_or_none=body["mode"] == "all_or_none"))
    return {**done, "registered": shown(database(), the(Secrets), *done["registered"])}


@routes.post("/series/<id>/registrations")
@routes.takes(RegistrantInput)
@routes.response(200, OfSeries)
def register_for_series(body: dict[str, Any], id: str) -> Document:
    """Register somebody for all coming events of a series (an event's `series_id`)"""
    events = coming_events(database(), id, utc_now(), public=False)
    if not events:
        raise NotFound("series with coming events", id)
    registrant = find_registrant(database(), the(Secrets), body)
    requests = {
        event["_id"]: Request(registrant=registrant, answers=_answers_in(body, event["_id"]), **_seat_in(body))
        for event in events
    }
    done = in_turn(id, partial(run, register_for_all, events, requests))
    return {**done, "registered": shown(database(), the(Secrets), *done["registered"])}


@routes.get("/events/<id>/registrations")
@routes.query(RegistrationQuery)
@routes.lists(RegistrationShown)
def list_registrations(query: dict[str, Any], id: str) -> Page:
    """List an event's registrations in the order of arrival; `q` looks in the names of 2,000 people a page"""
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


@routes.patch("/registrations/<id>")
@routes.takes(patch_of(RegistrationFields))
@routes.answers(RegistrationShown)
def change_registration(body: dict[str, Any], id: str) -> Document:
    """Change a registration's language or answers (JSON merge patch; needs If-Match)"""
    registration = load_one(database(), REGISTRATIONS, id)
    given = body.pop("answers", None)
    if given is None:
        return _shown(run(commands.change_registration, id, body))
    event = load_one(database(), EVENTS, registration["event_id"])
    answers = changed_answers(database(), the(Secrets), registration, event, _as_object(given))
    return _shown(run(commands.change_registration, id, body, answers))


@routes.post("/registrations/<id>/transfer")
@routes.takes(TransferInput)
@routes.answers(RegistrationShown, 201)
def transfer_registration(body: dict[str, Any], id: str) -> Document:
    """Give the place to a colleague of the same organisation; the answer is the colleague's registration"""
    event_id = load_one(database(), REGISTRATIONS, id)["event_id"]
    colleague = find_registrant(database(), the(Secrets), body)
    return _shown(in_turn(event_id, partial(run, transfer, id, colleague)))


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


def _answers_in(body: Mapping[str, Any], event_id: str) -> Answers:
    """The answers that staff give for a person, who may be asked for the rest."""
    if "answers" not in body:
        return Answers()
    return checked(the(Secrets), load_one(database(), EVENTS, event_id), body["answers"], complete=False)


def _as_object(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise Invalid({"answers": ["Give an object: the question's key and its answer."]})
    return given


def _seat_in(body: Mapping[str, Any]) -> dict[str, Any]:
    """The seat that staff ask for: its kind, the hold that it is of, and whether others see who has it."""
    return {"mode": body.get("mode"), "held_key": body.get("held_key"), "listed": body.get("listed", False)}


def _shown(registration: Mapping[str, Any]) -> Document:
    return shown(database(), the(Secrets), registration)[0]

"""/public: for people without a token"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Response

from services.events.events.store import BY_START, EVENTS, EventDocument, events_asked_for
from services.events.people.registrants import Registrant, find_registrant
from services.events.public import pages
from services.events.public.for_readers import for_readers
from services.events.public.links import READING, REGISTRATION_LINK, WRITING, registration_token
from services.events.public.schemas import (
    Accepted,
    PublicEvent,
    PublicEventQuery,
    PublicRegistration,
    PublicRegistrationInput,
    PublicStep,
    PublicTransfer,
)
from services.events.questions.answers import Answers, changed_answers, checked
from services.events.registrations import commands
from services.events.registrations.actions import actions_by_link
from services.events.registrations.admission import RegistrationBatcher, Request
from services.events.registrations.domain import ADMITTED
from services.events.registrations.schemas import FeedbackInput
from services.events.registrations.seating import check_open
from services.events.registrations.series import MOST_BY_THE_FORM, coming_events, register_for_all
from services.events.registrations.store import REGISTRATIONS, with_positions
from services.events.registrations.transfers import transfer
from shared.errors import Invalid, NotFound
from shared.http.auth import open_to_all
from shared.http.calls import database, run, run_in_group, the
from shared.http.limits import limited
from shared.http.routes import Routes, load_one
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.contention import in_turn
from shared.mongo.database import Database
from shared.mongo.paging import Page
from shared.mongo.paging import page as page_of
from shared.pages.forms import form, page
from shared.secrets import Secrets

ACCEPTED = {"detail": "Thank you. What comes of it is on its way to this address by e-mail."}
"""The one answer to every registration by the form: a stranger learns nothing about the owner of an address."""

VISIBLE = ("published", "completed", "cancelled")


routes = Routes(
    "public", __name__, url_prefix="/public", description="For people without a token", template_folder="templates"
)


def _register_again(problem: Document, *, id: str) -> Response:
    return pages.event_page(for_readers(database(), public_event(database(), id)), problem=problem)


def _own_again(problem: Document, *, token: str) -> Response:
    return pages.registration_page(_own_by(token), problem=problem)


@routes.get("/events")
@open_to_all
@limited(READING)
@routes.query(PublicEventQuery)
@routes.lists(PublicEvent)
@page(pages.list_page)
def list_public_events(query: dict[str, Any]) -> Page:
    """List the public events that are not over, the earliest first"""
    asked = events_asked_for({**query, "state": "published"})
    asked |= {"audience.open_to": "public", "ends_at": {"$gte": utc_now()}}
    return page_of(database(), EVENTS.collection, asked, limit=query["limit"], cursor=query["cursor"], sort=BY_START)


@routes.get("/events/<id>")
@open_to_all
@limited(READING)
@routes.response(200, PublicEvent)
@page(pages.event_page)
def show_public_event(id: str) -> Document:
    """Show a public event"""
    return for_readers(database(), public_event(database(), id))


@routes.post("/events/<id>/registrations")
@open_to_all
@limited(WRITING)
@form(again=_register_again)
@routes.takes(PublicRegistrationInput)
@routes.response(202, Accepted)
@page(pages.accepted)
def register_oneself(body: dict[str, Any], id: str) -> Document:
    """Register for a public event; the result goes to the address by e-mail, the answer here is always the same"""
    event = public_event(database(), id)
    check_open(event, utc_now())
    registrant = find_registrant(database(), the(Secrets), body)
    if body["whole_series"]:
        events = _series_of(event)
        requests = {each["_id"]: _request(each, body, registrant) for each in events}
        in_turn(event["series_id"], partial(run, register_for_all, events, requests))
    else:
        run_in_group(the(RegistrationBatcher), id, _request(event, body, registrant))
    return ACCEPTED


@routes.get("/registrations/<token>")
@open_to_all
@limited(READING)
@routes.response(200, PublicRegistration)
@page(pages.registration_page)
def show_own_registration(token: str) -> Document:
    """Show one's own registration"""
    return _own_by(token)


@routes.post("/registrations/<token>")
@open_to_all
@limited(WRITING)
@form(again=_own_again)
@routes.takes(PublicStep)
@routes.response(200, PublicRegistration)
@page(pages.registration_moved)
def move_own_registration(body: dict[str, Any], token: str) -> Document:
    """Confirm one's seat and address, cancel one's own registration, or change its language"""
    registration = load_one(database(), REGISTRATIONS, the(Secrets).unsign(REGISTRATION_LINK, token))
    if "to" not in body:
        return _own(run(commands.change_by_link, registration["_id"], body, _changed_answers(registration, body)))
    command = commands.cancel_by_link if body["to"] == "cancelled" else commands.confirm_by_link
    return _own(in_turn(registration["event_id"], partial(run, command, registration["_id"])))


@routes.post("/registrations/<token>/transfer")
@open_to_all
@limited(WRITING)
@form(again=_own_again)
@routes.takes(PublicTransfer)
@routes.response(200, PublicRegistration)
@page(pages.registration_transferred)
def transfer_own_registration(body: dict[str, Any], token: str) -> Document:
    """Give one's place to a colleague, who hears of it by mail; the answer is one's own registration, cancelled"""
    registration = load_one(database(), REGISTRATIONS, the(Secrets).unsign(REGISTRATION_LINK, token))
    colleague = find_registrant(database(), the(Secrets), body)
    if colleague.contact_id is None:
        colleague = replace(colleague, organisation_id=registration["organisation_id"])
    in_turn(registration["event_id"], partial(run, transfer, registration["_id"], colleague, by_link=True))
    return _own_by(token)


@routes.post("/registrations/<token>/feedback")
@open_to_all
@limited(WRITING)
@form(again=_own_again)
@routes.takes(FeedbackInput)
@routes.response(200, PublicRegistration)
@page(pages.feedback_given)
def give_own_feedback(body: dict[str, Any], token: str) -> Document:
    """Give feedback on the event; a second one replaces the first"""
    registration_id = the(Secrets).unsign(REGISTRATION_LINK, token)
    return _own(run(commands.give_feedback, registration_id, body))


def public_event(db: Database, identifier: str) -> Document:
    """An event that the public may see. Raises NotFound for all others."""
    event = load_one(db, EVENTS, identifier)
    if event["state"] not in VISIBLE or event["audience"]["open_to"] != "public":
        raise NotFound("event", identifier)
    return event


def _request(event: Mapping[str, Any], body: dict[str, Any], registrant: Registrant) -> Request:
    """The request of the form for one event. Raises Invalid for answers that its questions do not take."""
    asks = event.get("questions") or body.get("answers")
    answers = checked(the(Secrets), event, body.get("answers"), complete=True) if asks else Answers()
    seat = {"mode": body.get("mode"), "listed": body.get("listed", False)}
    return Request(registrant=registrant, public=True, answers=answers, **seat)


def _series_of(event: Document) -> list[EventDocument]:
    """The coming public events of the event's series. Raises Invalid where the form cannot take them all."""
    events = coming_events(database(), event["series_id"], utc_now(), public=True) if event.get("series_id") else []
    if not 1 < len(events) <= MOST_BY_THE_FORM:
        raise Invalid({"whole_series": [f"This takes a series of 2 to {MOST_BY_THE_FORM} coming events."]})
    return events


def _changed_answers(registration: Document, body: dict[str, Any]) -> Answers | None:
    given = body.pop("answers", None)
    if given is None:
        return None
    event = load_one(database(), EVENTS, registration["event_id"])
    return changed_answers(database(), the(Secrets), registration, event, given)


def _own_by(token: str) -> Document:
    registration = load_one(database(), REGISTRATIONS, the(Secrets).unsign(REGISTRATION_LINK, token))
    return _own(with_positions(database(), [registration])[0])


def _own(registration: Mapping[str, Any]) -> Document:
    event = load_one(database(), EVENTS, registration["event_id"])
    return {
        "state": registration["state"],
        "language": registration["language"],
        "mode": registration.get("mode"),
        "listed": registration.get("listed", False),
        "awaits": registration.get("awaits") if registration["state"] == "offered" else None,
        "answers": registration.get("answers") or {},
        "actions": actions_by_link(registration, event, utc_now()),
        "held_until": registration.get("held_until") if registration["state"] == "offered" else None,
        "feedback": registration["feedback"] and {"score": registration["feedback"]["score"]},
        "position": registration["position"],
        "token": registration_token(the(Secrets), registration["_id"], event),
        "event": for_readers(database(), event, attended=registration["state"] == "attended"),
        "online_url": event.get("online_url") if registration["state"] in ADMITTED else None,
    }

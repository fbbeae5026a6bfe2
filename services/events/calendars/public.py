"""/public/calendar.ics and the secret addresses of calendars, for programs that subscribe to them"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from flask import Response, request
from marshmallow import fields

from services.events.calendars.api import CALENDAR, CalendarQuery
from services.events.calendars.feeds import feed
from services.events.calendars.links import (
    CALENDAR_LINKS,
    CalendarLinkInput,
    CalendarLinkShown,
    create_link,
    end_link,
    events_behind,
    public_events,
)
from services.events.events.store import EVENTS
from services.events.people.registrants import find_contact
from services.events.public.links import CALENDAR_LINK, READING, REGISTRATION_LINK
from services.events.registrations.domain import ADMITTED
from services.events.registrations.store import REGISTRATIONS
from shared.errors import NotArrivedYet
from shared.http.auth import open_to_all
from shared.http.calls import database, run, the
from shared.http.limits import limited
from shared.http.media import gives_media
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.secrets import Secrets
from shared.settings import Settings

# Programs ask as often as REFRESH-INTERVAL says, and get 304 when nothing changed.
CACHE_CONTROL = "private, max-age=300"

routes = Routes("calendar_links", __name__, url_prefix="/v1", description="Secret addresses of calendars")
public_routes = Routes("public_calendars", __name__, url_prefix="/public", description="Calendars to subscribe to")


@routes.post("/calendar-links")
@routes.takes(CalendarLinkInput)
@routes.answers(CalendarLinkShown, 201)
def make_calendar_link(body: dict[str, Any]) -> Document:
    """Make a secret address at which a program can subscribe to a contact's or a season's events"""
    if "contact_id" in body and find_contact(database(), body["contact_id"]) is None:
        raise NotArrivedYet("contact_id", "contact")
    link = run(create_link, body)
    token = the(Secrets).sign(CALENDAR_LINK, link["_id"], expires_at=None)
    base = the(Settings).public_url_events.rstrip("/")
    return {**link, "url": f"{base}/public/calendars/{token}.ics"}


@routes.delete("/calendar-links/<id>")
@routes.response(204)
def end_calendar_link(id: str) -> None:
    """End a secret address; make a new one to renew it"""
    load_one(database(), CALENDAR_LINKS, id)
    run(end_link, id)


@public_routes.get("/calendar.ics")
@open_to_all
@limited(READING)
@gives_media(CALENDAR)
@public_routes.query(CalendarQuery)
@public_routes.response(200, fields.String(), content_type=CALENDAR)
def public_calendar(query: dict[str, Any]) -> Response:
    """All public events as a calendar to subscribe to"""
    return _calendar(public_events(database()), query["language"], name="USO")


@public_routes.get("/calendars/<token>.ics")
@open_to_all
@limited(READING)
@gives_media(CALENDAR)
@public_routes.query(CalendarQuery)
@public_routes.response(200, fields.String(), content_type=CALENDAR)
def secret_calendar(query: dict[str, Any], token: str) -> Response:
    """The events of one person or season, by a secret address"""
    events = events_behind(database(), the(Secrets).unsign(CALENDAR_LINK, token))
    return _calendar(events, query["language"], name="USO")


@public_routes.get("/registrations/<token>/calendar.ics")
@open_to_all
@limited(READING)
@gives_media(CALENDAR)
@public_routes.query(CalendarQuery)
@public_routes.response(200, fields.String(), content_type=CALENDAR)
def own_calendar(query: dict[str, Any], token: str) -> Response:
    """The event of one's own registration, with the meeting's address once there is a seat"""
    registration = load_one(database(), REGISTRATIONS, the(Secrets).unsign(REGISTRATION_LINK, token))
    event = load_one(database(), EVENTS, registration["event_id"])
    language = request.args.get("language", registration["language"])
    return _calendar([event], language, online=registration["state"] in ADMITTED)


def _calendar(events: Iterable[Document], language: str, *, name: str | None = None, online: bool = False) -> Response:
    body = feed(events, language=language, name=name, online=online)
    response = Response(body, content_type=f"{CALENDAR}; charset=utf-8")
    response.headers["ETag"] = f'"{sha256(body).hexdigest()[:32]}"'
    response.headers["Cache-Control"] = CACHE_CONTROL
    return response

"""/v1/events/{id}/calendar.ics and /v1/calendar.ics"""

from typing import Any

from flask import Response
from marshmallow import fields

from services.events.calendars.feeds import events_of_season, feed
from services.events.events.store import EVENTS
from shared.http.calls import database
from shared.http.media import gives_media
from shared.http.routes import Routes, load_one
from shared.schemas import LANGUAGES, Id, Strict, one_of

CALENDAR = "text/calendar"


class CalendarQuery(Strict):
    language = one_of(*LANGUAGES, load_default="fi")


class FeedQuery(CalendarQuery):
    season_id = Id(load_default=None)


routes = Routes("calendars", __name__, url_prefix="/v1", description="Events as iCalendar (RFC 5545)")


@routes.get("/events/<id>/calendar.ics")
@gives_media(CALENDAR)
@routes.query(CalendarQuery)
@routes.response(200, fields.String(), content_type=CALENDAR)
def event_calendar(query: dict[str, Any], id: str) -> Response:
    """One event as a calendar"""
    return _answer(feed([load_one(database(), EVENTS, id)], language=query["language"]))


@routes.get("/calendar.ics")
@gives_media(CALENDAR)
@routes.query(FeedQuery)
@routes.response(200, fields.String(), content_type=CALENDAR)
def season_calendar(query: dict[str, Any]) -> Response:
    """The events of a season (or all) as a calendar"""
    return _answer(feed(events_of_season(database(), query["season_id"]), language=query["language"], name="USO"))


def _answer(body: bytes) -> Response:
    return Response(body, content_type=f"{CALENDAR}; charset=utf-8")

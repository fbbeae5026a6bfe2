"""Secret addresses of calendars, with the events of a person or of a season."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypedDict

from marshmallow import ValidationError, fields, validates_schema
from pymongo import IndexModel

from services.events.events.store import BY_START, EVENTS
from services.events.registrations.domain import SEATED
from services.events.registrations.store import REGISTRATIONS
from shared.errors import NotFound
from shared.messaging.changes import Change
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.schemas import Id, Resource, Strict

# A calendar program asks every hour for years: events that ended over a year ago need not be sent each time.
MOST_ENTRIES = 1000


class CalendarLinkInput(Strict):
    """The events of a contact, or of a season."""

    contact_id = Id()
    season_id = Id()

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if ("contact_id" in data) == ("season_id" in data):
            raise ValidationError({"contact_id": ["Give either contact_id or season_id."]})


class CalendarLink(Resource):
    contact_id = fields.String(allow_none=True)
    season_id = fields.String(allow_none=True)


class CalendarLinkShown(CalendarLink):
    url = fields.String(required=True, metadata={"description": "secret: whoever has it sees these events"})


class CalendarLinkDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    contact_id: str | None
    season_id: str | None
    ended: bool


CALENDAR_LINKS: Aggregate[CalendarLinkDocument] = Aggregate(
    name="calendar link",
    collection="calendar_links",
    source="/uso/events",
    message_types={"calendar_link.created": Change, "calendar_link.ended": Change},
    schema=CalendarLink,
    indexes=[IndexModel("contact_id", name="contact")],
)


def create_link(uow: UnitOfWork, body: Mapping[str, Any]) -> CalendarLinkDocument:
    """A new secret address. Earlier addresses keep working until they are ended."""
    fields = {"contact_id": body.get("contact_id"), "season_id": body.get("season_id"), "ended": False}
    return uow.insert(CALENDAR_LINKS, fields, "calendar_link.created")


def end_link(uow: UnitOfWork, link_id: str) -> CalendarLinkDocument:
    """Ends the address. A second time changes nothing. Raises NotFound."""
    return uow.save(CALENDAR_LINKS, uow.get(CALENDAR_LINKS, link_id), {"ended": True}, "calendar_link.ended")


def events_behind(db: Database, link_id: str) -> list[Document]:
    """The events of a link's season, or those in which its contact has a seat. Raises NotFound for an ended link."""
    link = db[CALENDAR_LINKS.collection].find_one({"_id": link_id, "ended": False})
    if link is None:
        raise NotFound("calendar link", link_id)
    if link["season_id"]:
        query: Document = {"season_id": link["season_id"], "state": {"$in": ["published", "completed", "cancelled"]}}
    else:
        seats = db[REGISTRATIONS.collection].find({"contact_id": link["contact_id"], "state": {"$in": list(SEATED)}})
        query = {"_id": {"$in": [seat["event_id"] for seat in seats]}}
    return list(db[EVENTS.collection].find(query).sort([("starts_at", -1)]).limit(MOST_ENTRIES))[::-1]


def public_events(db: Database) -> list[Document]:
    """The published events that are open to the public."""
    query = {"audience.open_to": "public", "state": {"$in": ["published", "completed", "cancelled"]}}
    newest = [(name, -direction) for name, direction in BY_START]
    return list(db[EVENTS.collection].find(query).sort(newest).limit(MOST_ENTRIES))[::-1]

"""Where events are kept."""

from datetime import datetime
from typing import Any, TypedDict

from pymongo import IndexModel

from services.events.events.domain import LIFECYCLE
from services.events.events.schemas import Event
from shared.messaging.changes import Change, Transition
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.paging import Sort
from shared.search import search_query, search_words


class EventDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    state: str
    kind: str
    title: dict[str, str]
    description: dict[str, str] | None
    starts_at: datetime
    ends_at: datetime
    timezone: str
    venue: dict[str, str] | None
    online_url: str | None
    capacity: int | None
    online_capacity: int | None
    held_seats: list[dict[str, Any]]
    waitlist: bool
    waitlist_order: str
    max_per_organisation: int | None
    registration_opens_at: datetime | None
    registration_closes_at: datetime | None
    cancel_until: str
    promote_until: str
    confirm_address: bool
    offer_expires_after: str | None
    audience: dict[str, Any]
    reminders: list[str]
    materials: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    feedback_questions: list[dict[str, Any]]
    feedback_anonymous: bool
    certificate_minutes: int | None
    participant_list: bool
    agenda: list[dict[str, Any]]
    series_id: str | None
    coordinator: str | None
    enrolment_id: str | None
    days: float | None
    season_id: str | None
    organisation_id: str | None
    calendar: dict[str, Any]
    refusal_reason: str | None
    awaiting_since_version: int
    search: list[str]


EVENTS: Aggregate[EventDocument] = Aggregate(
    name="event",
    collection="events",
    source="/uso/events",
    topic="uso.events.events.v1",
    message_types={"event.created": Change, "event.updated": Change, "event.transitioned": Transition},
    schema=Event,
    lifecycle=LIFECYCLE,
    indexes=[
        IndexModel([("starts_at", 1), ("_id", 1)], name="starts_at"),
        IndexModel([("season_id", 1), ("starts_at", 1), ("_id", 1)], name="season"),
        IndexModel([("state", 1), ("starts_at", 1), ("_id", 1)], name="state"),
        IndexModel([("search", 1), ("starts_at", 1)], name="search"),
        IndexModel([("enrolment_id", 1), ("state", 1)], name="enrolment"),
        IndexModel("series_id", name="series", partialFilterExpression={"series_id": {"$type": "string"}}),
    ],
)
BY_START: Sort = (("starts_at", 1), ("_id", 1))


def with_search_words(fields: Document) -> Document:
    """The fields, and the words that `?q=` finds them by."""
    texts = [*fields["title"].values(), *(fields.get("venue") or {}).values()]
    return {**fields, "search": search_words(*texts)}


def events_asked_for(query: dict[str, Any]) -> Document:
    """The list's filters as a MongoDB query."""
    filters: Document = {name: query[name] for name in ("kind", "state", "season_id") if name in query}
    span = {"$gte": query.get("starts_from"), "$lt": query.get("starts_before")}
    if span := {operator: moment for operator, moment in span.items() if moment}:
        filters["starts_at"] = span
    return {**filters, **search_query(query["q"])}

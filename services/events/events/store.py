"""Where events are kept."""

from typing import Any

from pymongo import IndexModel

from services.events.events.schemas import Event
from shared.messaging.changes import Change, Transition
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.paging import Sort, search_query, search_words

EVENTS: Aggregate[Document] = Aggregate(
    name="event",
    collection="events",
    source="/uso/events",
    topic="uso.events.events.v1",
    message_types={"event.created": Change, "event.updated": Change, "event.transitioned": Transition},
    schema=Event,
    indexes=[
        IndexModel([("starts_at", 1), ("_id", 1)], name="starts_at"),
        IndexModel([("season_id", 1), ("starts_at", 1), ("_id", 1)], name="season"),
        IndexModel([("state", 1), ("starts_at", 1), ("_id", 1)], name="state"),
        IndexModel([("search", 1), ("starts_at", 1)], name="search"),
        IndexModel([("enrolment_id", 1), ("state", 1)], name="enrolment"),
    ],
)
BY_START: Sort = (("starts_at", 1), ("_id", 1))


def with_search_words(fields: Document) -> Document:
    """The fields, and the words that `?q=` finds them by."""
    texts = [*fields["title"].values(), *(fields.get("venue") or {}).values()]
    return {**fields, "search": search_words(*texts)}


def events_asked_for(query: dict[str, Any]) -> Document:
    """The list's filters as MongoDB has to be asked."""
    filters: Document = {name: query[name] for name in ("kind", "state", "season_id") if name in query}
    span = {"$gte": query.get("starts_from"), "$lt": query.get("starts_before")}
    if span := {operator: moment for operator, moment in span.items() if moment}:
        filters["starts_at"] = span
    return {**filters, **search_query(query["q"])}

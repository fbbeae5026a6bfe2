"""The collection of segments, and the contacts whom a segment means.

The question travels on the topic, not the people: each service answers it from what it knows, on the day.
"""

from datetime import datetime
from typing import TypedDict

from pymongo import IndexModel

from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.organisations.store import ORGANISATIONS, named_in_any_language
from services.enrolment.segments.schemas import Segment
from shared.messaging.changes import Change
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database


class SegmentDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    name: str
    organisation_ids: list[str]
    kinds: list[str]
    regions: list[str]
    wellbeing_counties: list[str]
    roles: list[str]
    languages: list[str]
    tags: list[str]
    season_id: str | None
    enrolment_states: list[str]


SEGMENTS: Aggregate[SegmentDocument] = Aggregate(
    name="segment",
    collection="segments",
    source="/uso/enrolment",
    topic="uso.enrolment.segments.v1",
    message_types={"segment.created": Change, "segment.updated": Change},
    schema=Segment,
    indexes=[IndexModel("name", name="name", unique=True)],
    conflict_messages={"name": "There is a segment of this name already."},
)


def members_query(db: Database, segment: Document) -> Document:
    """The condition for the contacts whom the segment means today."""
    query: Document = {"merged_into": None}
    for field, name in (("role", "roles"), ("language", "languages"), ("tags", "tags")):
        if segment.get(name):
            query[field] = {"$in": segment[name]}
    parts: list[Document] = [query]
    if segment.get("organisation_ids"):
        parts.append({"organisation_id": {"$in": segment["organisation_ids"]}})
    if of := _organisations(segment):
        rows = db[ORGANISATIONS.collection].find({"$and": of}, {"_id": 1})
        parts.append({"organisation_id": {"$in": [row["_id"] for row in rows]}})
    if segment.get("season_id"):
        enrolled: Document = {"season_id": segment["season_id"]}
        enrolled |= {"state": {"$in": segment["enrolment_states"]}} if segment.get("enrolment_states") else {}
        rows = db[ENROLMENTS.collection].find(enrolled, {"contact_ids": 1})
        parts.append({"_id": {"$in": sorted({identifier for row in rows for identifier in row["contact_ids"]})}})
    return {"$and": parts}


def _organisations(segment: Document) -> list[Document]:
    """The conditions on the contacts' organisations."""
    conditions: list[Document] = [{"kind": {"$in": segment["kinds"]}}] if segment.get("kinds") else []
    for field, name in (("region", "regions"), ("wellbeing_county", "wellbeing_counties")):
        if segment.get(name):
            conditions.append({"$or": [named_in_any_language(field, place) for place in segment[name]]})
    return conditions

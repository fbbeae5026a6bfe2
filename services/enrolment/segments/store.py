"""The collection of segments; `shared/segments.py` says whom a segment means."""

from datetime import datetime
from typing import TypedDict

from pymongo import IndexModel

from services.enrolment.segments.schemas import Segment
from shared.messaging.changes import Change
from shared.mongo.aggregates import Aggregate


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

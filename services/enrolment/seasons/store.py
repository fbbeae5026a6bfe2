"""The collection of seasons."""

from datetime import datetime
from typing import Any, TypedDict

from pymongo import IndexModel

from services.enrolment.seasons.domain import LIFECYCLE
from services.enrolment.seasons.schemas import Season
from shared.messaging.changes import Change, Transition
from shared.mongo.aggregates import Aggregate


class SeasonDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    state: str
    number: int
    name: dict[str, str]
    starts_on: str
    ends_on: str
    enrolment_opens_on: str | None
    enrolment_closes_on: str | None
    organisers: list[str]
    themes: list[dict[str, Any]]
    package: dict[str, Any]


SEASONS: Aggregate[SeasonDocument] = Aggregate(
    name="season",
    collection="seasons",
    source="/uso/enrolment",
    topic="uso.enrolment.seasons.v1",
    message_types={"season.created": Change, "season.updated": Change, "season.transitioned": Transition},
    schema=Season,
    lifecycle=LIFECYCLE,
    indexes=[IndexModel("number", name="number", unique=True), IndexModel([("state", 1), ("_id", 1)], name="state")],
    conflict_messages={"number": "There is a season with this number already."},
)

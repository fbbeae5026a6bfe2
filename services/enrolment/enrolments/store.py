"""The collection of enrolments."""

from datetime import datetime
from typing import Any, TypedDict

from pymongo import IndexModel

from services.enrolment.enrolments.domain import LIFECYCLE
from services.enrolment.enrolments.schemas import Enrolment
from shared.messaging.changes import Change, Transition
from shared.mongo.aggregates import Aggregate


class EnrolmentDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    state: str
    state_reason: str | None
    reason_code: str | None
    state_since: datetime
    responsible_contact_id: str | None
    next_contact_on: str | None
    previous_enrolment_id: str | None
    season_id: str
    organisation_id: str
    contact_ids: list[str]
    coordinator: str | None
    themes: list[str]
    source: str | None
    situation_analysis: dict[str, Any]


ENROLMENTS: Aggregate[EnrolmentDocument] = Aggregate(
    name="enrolment",
    collection="enrolments",
    source="/uso/enrolment",
    topic="uso.enrolment.enrolments.v1",
    message_types={
        "enrolment.created": Change,
        "enrolment.updated": Change,
        "enrolment.transitioned": Transition,
        "situation_analysis.updated": Change,
    },
    schema=Enrolment,
    lifecycle=LIFECYCLE,
    indexes=[
        IndexModel([("season_id", 1), ("organisation_id", 1)], name="one_a_season", unique=True),
        IndexModel([("organisation_id", 1), ("_id", 1)], name="organisation"),
        IndexModel([("season_id", 1), ("state", 1), ("_id", 1)], name="season"),
        IndexModel([("coordinator", 1), ("_id", 1)], name="coordinator"),
        IndexModel([("state", 1), ("_id", 1)], name="state"),
        IndexModel([("themes", 1), ("_id", 1)], name="themes"),
        IndexModel([("contact_ids", 1), ("_id", 1)], name="contacts"),
        IndexModel([("responsible_contact_id", 1), ("_id", 1)], name="responsible"),
        IndexModel([("next_contact_on", 1), ("_id", 1)], name="next_contact_on"),
        IndexModel("previous_enrolment_id", name="previous"),
        IndexModel([("reason_code", 1), ("_id", 1)], name="reason_code"),
    ],
    conflict_messages={"one_a_season": "This organisation has an enrolment in this season already."},
)

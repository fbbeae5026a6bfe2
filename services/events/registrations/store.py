"""The collection of registrations, and their present positions in line."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from pymongo import IndexModel

from services.events.registrations.domain import LIFECYCLE
from services.events.registrations.schemas import (
    FeedbackGiven,
    Promotion,
    Registration,
    RegistrationCreated,
    RegistrationTransition,
)
from services.events.registrations.seating import line_of
from shared.messaging.changes import Change
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database
from shared.mongo.paging import Sort


class RegistrationDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    event_id: str
    state: str
    live: bool
    contact_id: str | None
    organisation_id: str | None
    role: str | None
    language: str
    person_keys: list[str]
    person_sealed: str | None
    queue_number: int
    position: int | None
    mode: str | None
    held_key: str | None
    listed: bool
    feedback: dict[str, Any] | None
    gave_feedback: bool
    feedback_comment: str | None
    awaits: str | None
    held_until: datetime | None
    confirm_address: bool
    address_key: str | None
    mail_not_before: datetime | None
    refused_because: str | None
    calendar_sequence: int
    asked_again_at: datetime
    transferred_from: str
    merged_from: list[str]  # the contacts whose it was before they were merged, the last one last
    answers: dict[str, Any]
    feedback_answers: dict[str, Any]
    attended_at: datetime
    minutes: int | None


# `person_keys` holds the contact's id and the keyed hashes of the e-mail address. The unique index covers live
# registrations only: a person whose registration was cancelled can register again.
REGISTRATIONS: Aggregate[RegistrationDocument] = Aggregate(
    name="registration",
    collection="registrations",
    source="/uso/events",
    topic="uso.events.registrations.v1",
    message_types={
        "registration.created": RegistrationCreated,
        "registration.updated": Change,
        "registration.transitioned": RegistrationTransition,
        "registration.promoted": Promotion,
        "registration.offered": Promotion,
        "registration.asked_again": Change,
        "registration.transferred": Change,
        "feedback.given": FeedbackGiven,
    },
    schema=Registration,
    lifecycle=LIFECYCLE,
    indexes=[
        IndexModel(
            [("event_id", 1), ("person_keys", 1), ("live", 1)],
            name="one_a_person",
            unique=True,
            partialFilterExpression={"live": True},
        ),
        IndexModel([("event_id", 1), ("queue_number", 1), ("_id", 1)], name="queue"),
        IndexModel([("event_id", 1), ("state", 1), ("queue_number", 1)], name="state"),
        IndexModel([("event_id", 1), ("organisation_id", 1), ("state", 1)], name="organisation"),
        IndexModel("contact_id", name="contact"),
        IndexModel("created_at", name="guests", partialFilterExpression={"person_sealed": {"$type": "string"}}),
        IndexModel("held_until", name="offers", partialFilterExpression={"state": "offered"}),
    ],
    conflict_messages={"one_a_person": "This person is registered for the event already."},
)
BY_ARRIVAL: Sort = (("queue_number", 1), ("_id", 1))


def with_positions(db: Database, registrations: Sequence[Mapping[str, Any]]) -> list[Document]:
    """The registrations with their present positions in line, found by one query for all of them."""
    waiting = [registration for registration in registrations if registration["state"] == "waitlisted"]
    lines: dict[tuple[str, str], list[int]] = {}
    if waiting:
        query = {"event_id": {"$in": sorted({each["event_id"] for each in waiting})}, "state": "waitlisted"}
        projection = {"_id": 0, "event_id": 1, "queue_number": 1, "mode": 1}
        for row in db[REGISTRATIONS.collection].find(query, projection).sort("queue_number", 1):
            lines.setdefault((row["event_id"], line_of(row)), []).append(row["queue_number"])
    return [
        {
            **registration,
            "position": _position(lines, registration) if registration["state"] == "waitlisted" else None,
        }
        for registration in registrations
    ]


def _position(lines: dict[tuple[str, str], list[int]], registration: Mapping[str, Any]) -> int:
    line = lines.get((registration["event_id"], line_of(registration)), [])
    return bisect_left(line, registration["queue_number"]) + 1

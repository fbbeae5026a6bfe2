"""Where registrations are kept, and their present places in line."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from pymongo import IndexModel

from services.events.registrations.schemas import FeedbackGiven, Registration
from shared.messaging.changes import Change, Transition
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database
from shared.mongo.paging import Sort

# `person_keys` holds all that a person is known by: the contact's id, and the keyed hashes of the e-mail address.
# As `live` is part of the index, the place is free again once a registration is cancelled.
REGISTRATIONS: Aggregate[Document] = Aggregate(
    name="registration",
    collection="registrations",
    source="/uso/events",
    topic="uso.events.registrations.v1",
    message_types={
        "registration.created": Change,
        "registration.transitioned": Transition,
        "registration.promoted": Transition,
        "feedback.given": FeedbackGiven,
    },
    schema=Registration,
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
    ],
    conflict_messages={"one_a_person": "This person is registered for the event already."},
)
BY_ARRIVAL: Sort = (("queue_number", 1), ("_id", 1))


def with_positions(db: Database, registrations: Sequence[Document]) -> list[Document]:
    """The registrations with their present places in line, found by one query."""
    waiting = [one for one in registrations if one["state"] == "waitlisted"]
    lines: dict[str, list[int]] = {one["event_id"]: [] for one in waiting}
    if lines:
        query = {"event_id": {"$in": list(lines)}, "state": "waitlisted"}
        projection = {"_id": 0, "event_id": 1, "queue_number": 1}
        for row in db[REGISTRATIONS.collection].find(query, projection).sort("queue_number", 1):
            lines[row["event_id"]].append(row["queue_number"])
    return [{**one, "position": _place(lines, one) if one in waiting else None} for one in registrations]


def _place(lines: dict[str, list[int]], registration: Document) -> int:
    return bisect_left(lines[registration["event_id"]], registration["queue_number"]) + 1


def seated_by_organisation(rows: Iterable[Document]) -> dict[str, int]:
    """How many of `rows` each organisation has."""
    counts: dict[str, int] = {}
    for row in rows:
        if row.get("organisation_id"):
            counts[row["organisation_id"]] = counts.get(row["organisation_id"], 0) + 1
    return counts

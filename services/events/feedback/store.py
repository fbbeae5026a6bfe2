"""Anonymous feedback: kept apart from the registrations, so that nobody can tell who gave it."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from pymongo import IndexModel, InsertOne

from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

ANONYMOUS = "anonymous_feedback"
ANONYMOUS_INDEXES = [
    IndexModel([("event_id", 1), ("_id", 1)], name="event"),
    IndexModel("ends_at", name="comments", partialFilterExpression={"has_text": True}),
]


def keep_anonymous(uow: UnitOfWork, event: Mapping[str, Any], feedback: Mapping[str, Any]) -> None:
    """Keeps a score, a comment and answers, without the person and without the time.

    The id is random (not a UUIDv7, which holds the moment), and lists go by it: the order tells nothing either.
    """
    row = {
        "_id": str(uuid4()),
        "event_id": event["_id"],
        "ends_at": event["ends_at"],
        "score": feedback["score"],
        "comment": feedback.get("comment"),
        "answers": feedback["answers"],
        "has_text": bool(feedback.get("comment") or feedback["answers"]),
    }
    uow.write(ANONYMOUS, InsertOne(row))


def anonymous_scores(db: Database, event_id: str) -> Counter[int]:
    """How many gave each score."""
    grouped = {"$group": {"_id": "$score", "count": {"$sum": 1}}}
    rows = db[ANONYMOUS].aggregate([{"$match": {"event_id": event_id}}, grouped])
    return Counter({row["_id"]: row["count"] for row in rows})


def forget_texts(db: Database, ended_before: datetime) -> None:
    """Takes comments and answers out of the feedback on events that ended before; the scores stay."""
    old = {"has_text": True, "ends_at": {"$lt": ended_before}}
    gone: Document = {"comment": None, "answers": {}, "has_text": False}
    db[ANONYMOUS].update_many(old, {"$set": gone})

"""The operators' collections: jobs, and the audit."""

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import IndexModel, InsertOne

from shared.ids import new_id
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

JOBS = "ops_jobs"
AUDIT = "ops_audit"

COLLECTIONS: Mapping[str, Sequence[IndexModel]] = {
    JOBS: [
        # One open job of each kind for each subject (`of`).
        IndexModel(
            [("kind", 1), ("of", 1), ("open", 1)],
            name="one at a time",
            unique=True,
            partialFilterExpression={"open": True},
        ),
        IndexModel([("open", 1), ("_id", 1)], name="open"),
    ],
    AUDIT: [],
}


def audit(uow: UnitOfWork, action: str, *, of: str, reason: str | None, about: Mapping[str, Any] | None = None) -> None:
    """Writes the audit row of `action`: actor, subject, time and reason, in the transaction of the action."""
    row: Document = {
        "_id": new_id(),
        "at": uow.now,
        "by": uow.cause.actor,
        "action": action,
        "of": of,
        "reason": reason,
        "about": dict(about or {}),
        "correlation_id": uow.cause.correlation_id,
    }
    uow.write(AUDIT, InsertOne(row))

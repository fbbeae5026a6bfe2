"""Idempotency-Key: the same key with the same request gives the same answer for 24 hours.

The key's row is written with the last write of the transaction, so a key costs no round trip of its own. A second
request with the key runs its command too, but cannot commit: its row meets the first one's, everything it did
is rolled back, and the first answer is given again.
(draft-ietf-httpapi-idempotency-key-header)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import InsertOne
from pymongo.database import Database as MongoDatabase
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from shared.errors import Conflict, Invalid, Problem
from shared.mongo.aggregates import Document
from shared.mongo.journal import JOURNAL

ROW_PREFIX = "key:"
# A client that has not repeated its request within a day has given up.
IDEMPOTENCY_KEY_TTL = timedelta(hours=24)


@dataclass(kw_only=True)
class IdempotencyKey:
    """A caller's key: `id` names caller and key, `fingerprint` the request's content.

    `replayed` becomes true when the answer is that of an earlier request.
    """

    id: str
    fingerprint: str
    replayed: bool = False

    @property
    def row_id(self) -> str:
        return f"{ROW_PREFIX}{self.id}"

    def row(self, now: datetime, **outcome: Any) -> Document:
        """The journal row that remembers the key and its outcome (`result` or `refusal`)."""
        return {
            "_id": self.row_id,
            "fingerprint": self.fingerprint,
            "expires_at": now + IDEMPOTENCY_KEY_TTL,
            **outcome,
        }


def is_key_row(operation: Any) -> bool:
    """Whether a pending write of the journal is the row of a key."""
    return isinstance(operation, InsertOne) and str(operation._doc["_id"]).startswith(ROW_PREFIX)


class KeyInUse(Exception):
    """Another request with the key has committed, or is about to."""


def find_outcome(db: MongoDatabase[Document], key: IdempotencyKey) -> Document | None:
    """The key's row of an earlier request, if a majority of MongoDB's members has it.

    A row that only the primary has could still be rolled back: its answer would acknowledge a write that
    did not happen. Raises Invalid when the key was used for another request.
    """
    journal = db.get_collection(JOURNAL, read_concern=ReadConcern("majority"))
    row = journal.find_one({"_id": key.row_id})
    if row is not None and row["fingerprint"] != key.fingerprint:
        raise Invalid(
            {"Idempotency-Key": ["This key was used for another request. Make a new key for each new request."]}
        )
    return row


def replay(db: MongoDatabase[Document], key: IdempotencyKey) -> Any:
    """The first request's result again. Raises its refusal again, and Conflict while it is still running."""
    row = find_outcome(db, key)
    if row is None:
        raise Conflict(
            "The first request with this Idempotency-Key is still running. Repeat yours in a moment.", retry_after=1
        )
    key.replayed = True
    if "refusal" in row:
        raise refusal_from(row["refusal"])
    return row["result"]


def remember_refusal(db: MongoDatabase[Document], key: IdempotencyKey, problem: Problem, now: datetime) -> None:
    """Keeps a final refusal under its key, so that the same request is refused again. Raises KeyInUse."""
    try:
        db[JOURNAL].insert_one(key.row(now, refusal=refusal_of(problem)))
    except DuplicateKeyError as error:
        raise KeyInUse from error


def refusal_of(problem: Problem) -> Document:
    """The problem as a key's row keeps it; `refusal_from` reads it again."""
    return {
        "status": problem.status,
        "title": problem.title,
        "detail": problem.detail,
        "members": problem.members,
        "errors": problem.errors if isinstance(problem, Invalid) else None,
    }


def is_final(problem: Problem) -> bool:
    """Whether the same request would be refused again: not when waiting helps, nor when the caller may get rights."""
    return problem.retry_after is None and problem.status in (404, 409, 412, 422)


def refusal_from(kept: Mapping[str, Any]) -> Problem:
    """The problem that `refusal_of` kept."""
    problem: Problem
    if kept["errors"] is not None:
        problem = Invalid(kept["errors"])
    else:
        problem = Problem(kept["detail"], **kept["members"])
        problem.status, problem.title = kept["status"], kept["title"]
    return problem

"""What staff say of themselves."""

from typing import Any

from services.notifications.staff.rhythm import next_digest_at
from services.notifications.staff.store import STAFF
from shared.ids import new_id, utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

# `If-Match` speaks of the id in the path; the path `me` has none.
NO_ID_IN_PATH = str(None)


def staff_member(db: Database, sub: str) -> Document:
    """The member of staff with this `sub`, or one who has said nothing yet."""
    return db[STAFF.collection].find_one({"sub": sub}) or _unsaid(sub)


def describe_oneself(uow: UnitOfWork, fields: dict[str, Any]) -> Document:
    """The caller as they describe themselves now. Raises Stale."""
    sub = uow.cause.actor
    before = uow.find_one(STAFF.collection, {"sub": sub})
    if before is None:
        before = uow.insert(STAFF, _unsaid(sub), "staff_member.created")
    uow.check_version(STAFF, {**before, "_id": NO_ID_IN_PATH})
    changes = {**fields, "next_digest_at": next_digest_at(fields["digest"], uow.now)}
    if before["digest"] == "off":
        changes["told_until"] = uow.now
    return uow.save(STAFF, before, changes, "staff_member.updated")


def _unsaid(sub: str) -> Document:
    now = utc_now()
    return {
        "_id": new_id(),
        "version": 1,
        "created_at": now,
        "updated_at": now,
        "sub": sub,
        "name": None,
        "email": None,
        "language": "fi",
        "digest": "off",
        "told_until": now,
        "next_digest_at": None,
    }

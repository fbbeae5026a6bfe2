"""Rows that Kafka will never take: they are reported, and an operator may skip them."""

from pymongo import UpdateOne

from shared.errors import Conflict, NotFound
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

UNSENDABLE = "unsendable_rows"


def note_unsendable(db: Database, row: Document, *, size: int) -> None:
    """Notes that this row blocks the relay. Raises PyMongoError."""
    about = {"topic": row["topic"], "kind": row.get("kind"), "bytes": size, "at": utc_now(), "state": "blocking"}
    db[UNSENDABLE].update_one({"_id": row["_id"]}, {"$setOnInsert": about}, upsert=True)


def is_skipped(db: Database, identifier: str) -> bool:
    """Whether an operator has skipped the row. Raises PyMongoError."""
    return db[UNSENDABLE].find_one({"_id": identifier, "state": "skipped"}) is not None


def unsendable_rows(db: Database) -> list[Document]:
    """The rows that block the relay or were skipped, newest first; at most a hundred."""
    return list(db[UNSENDABLE].find().sort("_id", -1).limit(100))


def skip_unsendable(uow: UnitOfWork, identifier: str, *, reason: str) -> Document:
    """Lets the relay skip the row, which stays in the journal. Raises NotFound, and Conflict for a skipped row."""
    row = uow.find_one(UNSENDABLE, {"_id": identifier})
    if row is None:
        raise NotFound("row that blocks the relay", identifier)
    if row["state"] != "blocking":
        raise Conflict("This row was skipped already.")
    skipped = {"state": "skipped", "by": uow.cause.actor, "reason": reason, "skipped_at": uow.now}
    uow.write(UNSENDABLE, UpdateOne({"_id": identifier}, {"$set": skipped}))
    return {**row, **skipped}

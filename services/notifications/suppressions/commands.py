"""What staff do with suppressed addresses."""

from typing import Any

from pymongo import DeleteOne

from services.notifications.addresses import normalise_email
from services.notifications.suppressions.store import SUPPRESSIONS
from shared.cause import Cause
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork


def suppress(db: Database, cause: Cause, fields: dict[str, Any], *, once: IdempotencyKey | None) -> Document:
    """From now on the address gets nothing. Raises Conflict when that is so already."""
    document = {**fields, "email": normalise_email(fields["email"])}
    return db.transact(lambda work: work.insert(SUPPRESSIONS, document, "suppression.created"), cause=cause, once=once)


def lift(db: Database, cause: Cause, identifier: str, *, if_match: int | None) -> None:
    """The address gets mail again; who lifted it stays in the history. Raises NotFound, Stale."""

    def work(uow: UnitOfWork) -> None:
        suppression = uow.get(SUPPRESSIONS, identifier, if_match=if_match)
        uow.save(SUPPRESSIONS, suppression, {}, "suppression.deleted")
        uow.write(SUPPRESSIONS.collection, DeleteOne({"_id": identifier}))

    db.transact(work, cause=cause)

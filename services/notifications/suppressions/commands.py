"""What staff do with suppressed addresses."""

from typing import Any

from pymongo import DeleteOne

from services.notifications.addresses import normalise_email
from services.notifications.suppressions.store import SUPPRESSIONS
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork


def suppress(uow: UnitOfWork, fields: dict[str, Any]) -> Document:
    """From now on the address gets nothing. Raises Conflict when that is so already."""
    return uow.insert(SUPPRESSIONS, {**fields, "email": normalise_email(fields["email"])}, "suppression.created")


def lift(uow: UnitOfWork, suppression_id: str) -> None:
    """The address gets mail again; who lifted it stays in the history. Raises NotFound, Stale."""
    suppression = uow.get(SUPPRESSIONS, suppression_id)
    lifted = {"lifted_at": uow.now}  # a change that changes nothing would leave no trace in the history
    uow.save(SUPPRESSIONS, suppression, lifted, "suppression.deleted")
    uow.write(SUPPRESSIONS.collection, DeleteOne({"_id": suppression_id}))

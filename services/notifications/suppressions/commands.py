"""The commands on suppressed addresses."""

from datetime import datetime
from typing import Any

from pymongo import DeleteOne

from services.notifications.suppressions.store import SUPPRESSIONS
from shared.email_address import normalise_email
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork


def suppress(uow: UnitOfWork, fields: dict[str, Any]) -> Document:
    """Suppresses the address: it gets no more mail. Raises Conflict when it is suppressed already."""
    return uow.insert(SUPPRESSIONS, {**fields, "email": normalise_email(fields["email"])}, "suppression.created")


def suppress_unless(uow: UnitOfWork, email: str, *, reason: str, expires_at: datetime | None) -> bool:
    """Suppresses the address unless it is suppressed already. Returns whether it was not."""
    address = normalise_email(email)
    if uow.find_one(SUPPRESSIONS.collection, {"email": address}):
        return False
    fields = {"email": address, "reason": reason, "note": None, "expires_at": expires_at}
    uow.insert(SUPPRESSIONS, fields, "suppression.created")
    return True


def lift(uow: UnitOfWork, suppression_id: str) -> None:
    """Lifts the suppression. The history keeps who lifted it. Raises NotFound, Stale."""
    suppression = uow.get(SUPPRESSIONS, suppression_id)
    lifted = {"lifted_at": uow.now}  # a save without a change would leave no entry in the history
    uow.save(SUPPRESSIONS, suppression, lifted, "suppression.deleted")
    uow.write(SUPPRESSIONS.collection, DeleteOne({"_id": suppression_id}))

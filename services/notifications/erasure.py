"""What notifications forgets of a person who is erased: what was written to them, and where."""

from typing import Any

from pymongo import DeleteMany, DeleteOne, UpdateOne

from ops.erasure.person import Person
from services.notifications.deliveries.commands import Outcome, move
from services.notifications.deliveries.domain import UNDER_WAY
from services.notifications.deliveries.retention import NO_TEXT
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.preferences.store import PREFERENCES
from services.notifications.suppressions.store import SUPPRESSIONS
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

# A server's answer and the values of a text can quote what the person is called.
FORGOTTEN: dict[str, Any] = {"personalisation": {}, "server": None}


def erase_deliveries(uow: UnitOfWork, person: Person) -> None:
    """Cancels what is still to be sent, and takes text and values from what was; preferences and suppressions go."""
    for delivery in uow.find_all(DELIVERIES, {"contact_id": person.contact_id}):
        if delivery["state"] in UNDER_WAY and not delivery.get("handed_over_at"):
            move(uow, delivery, Outcome(delivery_id=delivery["_id"], to="cancelled", error="erased"))
        uow.write(DELIVERIES.collection, _forget(delivery))
    uow.write(PREFERENCES.collection, DeleteOne({"_id": person.contact_id}))
    if person.email:
        uow.write(SUPPRESSIONS.collection, DeleteMany({"email": person.email}))


def _forget(delivery: Document) -> UpdateOne:
    return UpdateOne({"_id": delivery["_id"]}, {"$set": FORGOTTEN, **NO_TEXT})

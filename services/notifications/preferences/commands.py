"""The commands on preferences: contacts choose, or staff for them."""

from collections.abc import Callable
from typing import Any

from services.notifications.preferences.store import CHOICES, PREFERENCES
from services.notifications.projections import CONTACTS
from shared.errors import NotFound
from shared.ids import utc_now
from shared.messaging.subscriptions import unless_erased
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork


def preferences_of(db: Database, contact_id: str) -> Document:
    """A contact's choices. Before the first choice the contact gets every mail. Raises NotFound."""
    found = db[PREFERENCES.collection].find_one({"_id": contact_id})
    return found or _usual(lambda collection, query: db[collection].find_one(query), contact_id)


def _usual(find_one: Callable[[str, Document], Document | None], contact_id: str) -> Document:
    if unless_erased(find_one(CONTACTS.collection, {"_id": contact_id})) is None:
        raise NotFound("contact", contact_id)
    now = utc_now()
    return {"_id": contact_id, "version": 1, "created_at": now, "updated_at": now, **dict.fromkeys(CHOICES, True)}


def choose(uow: UnitOfWork, contact_id: str, choices: dict[str, Any]) -> Document:
    """The contact's new choices. A choice that `choices` leaves out stays. Raises NotFound, Stale."""
    before = uow.find_one(PREFERENCES.collection, {"_id": contact_id})
    if before is None:
        before = uow.insert(PREFERENCES, _usual(uow.find_one, contact_id), "preferences.created")
    uow.check_version(PREFERENCES, before)
    return uow.save(PREFERENCES, before, choices, "preferences.updated")

"""What contacts, and staff for them, choose."""

from typing import Any

from services.notifications.preferences.store import CHOICES, PREFERENCES
from services.notifications.projections import CONTACTS
from shared.cause import Cause
from shared.errors import NotFound, Stale
from shared.ids import utc_now
from shared.messaging.subscriptions import unless_erased
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import IF_MATCH_ANY, UnitOfWork


def preferences_of(db: Database, contact_id: str) -> Document:
    """A contact's choices; everything is wanted as long as nothing was chosen. Raises NotFound."""
    found = db[PREFERENCES.collection].find_one({"_id": contact_id})
    if found is not None:
        return found
    contact = unless_erased(db[CONTACTS.collection].find_one({"_id": contact_id}, {"sequence": 1}))
    if contact is None:
        raise NotFound("contact", contact_id)
    now = utc_now()
    return {"_id": contact_id, "version": 1, "created_at": now, "updated_at": now, **dict.fromkeys(CHOICES, True)}


def choose(db: Database, cause: Cause, contact_id: str, choices: dict[str, Any], *, if_match: int) -> Document:
    """The contact's new choices; a choice that is not named stays. Raises NotFound, Stale."""
    usual = preferences_of(db, contact_id)

    def work(uow: UnitOfWork) -> Document:
        before = uow.find_one(PREFERENCES.collection, {"_id": contact_id})
        if before is None:
            before = uow.insert(PREFERENCES, usual, "preferences.created")
        if if_match not in (IF_MATCH_ANY, before["version"]):
            raise Stale(f"You hold version {if_match}, but it is at version {before['version']} now. Get it again.")
        return uow.save(PREFERENCES, before, choices, "preferences.updated")

    return db.transact(work, cause=cause)

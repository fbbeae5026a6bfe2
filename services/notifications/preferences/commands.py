"""What people, and staff for contacts, choose."""

from typing import Any

from services.notifications.preferences.owners import Owner, owner_of
from services.notifications.preferences.store import CHOICES, PREFERENCES
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.secrets import Secrets


def preferences_of(db: Database, secrets: Secrets, name: str) -> Document:
    """The choices of whom `name` names: all mail is wanted while nothing was chosen. Raises NotFound."""
    owner = owner_of(lambda collection, query: db[collection].find_one(query), secrets, name)
    found = db[PREFERENCES.collection].find_one({"_id": {"$in": list(owner.ids)}})
    return {**(found or _usual(owner)), "language": owner.language}


def choose(uow: UnitOfWork, secrets: Secrets, name: str, choices: dict[str, Any]) -> Document:
    """The new choices; a choice that is not named stays. Raises NotFound, Stale."""
    owner = owner_of(uow.find_one, secrets, name)
    before = uow.find_one(PREFERENCES.collection, {"_id": {"$in": list(owner.ids)}})
    if before is None:
        before = uow.insert(PREFERENCES, _usual(owner), "preferences.created")
    uow.check_version(PREFERENCES, before)
    return uow.save(PREFERENCES, before, choices, "preferences.updated")


def _usual(owner: Owner) -> Document:
    now = utc_now()
    return {"_id": owner.ids[0], "version": 1, "created_at": now, "updated_at": now, **dict.fromkeys(CHOICES, True)}

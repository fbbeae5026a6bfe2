"""When two contacts become one: the stricter choices count, and what was to be sent to both is sent once."""

from pymongo import DeleteOne

from services.notifications.deliveries.commands import Outcome, move
from services.notifications.deliveries.domain import UNDER_WAY
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.preferences.store import CHOICES, PREFERENCES
from services.notifications.projections import CONTACTS
from shared.messaging.messages import Message
from shared.messaging.subscriptions import Policy
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

# A chain of merges is as long as there are contacts of one person.
LONGEST_CHAIN = 20
# What two deliveries have in common when they are the same mail to one person.
SAME_MAIL = ("template", "event_id", "enrolment_id", "announcement_id")


def follow_merge(uow: UnitOfWork, message: Message) -> None:
    """Joins choices, and cancels what the contact that is left gets anyway, in whatever order merges are heard of."""
    into = surviving_contact(uow, message.key)
    if into == message.key:
        return
    _join_preferences(uow, message.key, into)
    _send_once(uow, message.key, into)


def surviving_contact(uow: UnitOfWork, contact_id: str) -> str:
    """The id of the contact that this one has become, as far as it is known here."""
    for _ in range(LONGEST_CHAIN):
        row = uow.find_one(CONTACTS.collection, {"_id": contact_id}, projection={"merged_into": 1})
        if not row or not row.get("merged_into"):
            break
        contact_id = row["merged_into"]
    return contact_id


def ids_of(db: Database, contact_id: str) -> list[str]:
    """The contact's id, and those of the contacts that were merged into it."""
    ids = [contact_id]
    for _ in range(LONGEST_CHAIN):
        found = db[CONTACTS.collection].find({"merged_into": {"$in": ids}, "_id": {"$nin": ids}}, {"_id": 1})
        more = [row["_id"] for row in found]
        if not more:
            break
        ids += more
    return ids


def _join_preferences(uow: UnitOfWork, contact_id: str, into: str) -> None:
    theirs = uow.find_one(PREFERENCES.collection, {"_id": contact_id})
    if theirs is None:
        return
    ours = uow.find_one(PREFERENCES.collection, {"_id": into})
    strict = {choice: theirs[choice] and (ours is None or ours[choice]) for choice in CHOICES}
    if ours is None:
        uow.insert(PREFERENCES, {"_id": into, **strict}, "preferences.created")
    else:
        uow.save(PREFERENCES, ours, strict, "preferences.updated")
    uow.write(PREFERENCES.collection, DeleteOne({"_id": contact_id}))


def _send_once(uow: UnitOfWork, contact_id: str, into: str) -> None:
    under_way = {"state": {"$in": sorted(UNDER_WAY)}, "handed_over_at": None}
    for delivery in uow.find_all(DELIVERIES, {"contact_id": contact_id, **under_way}):
        same: Document = {name: delivery[name] for name in SAME_MAIL}
        others = uow.find(DELIVERIES.collection, {"contact_id": into, **same}, projection={"_id": 1}, limit=1)
        if delivery["announcement_id"] and others:
            move(uow, delivery, Outcome(delivery_id=delivery["_id"], to="cancelled", error="merged"))


def follow_unmerge(uow: UnitOfWork, message: Message) -> None:
    """The contact keeps the choices of the merged one, which were the stricter ones of the two."""
    theirs = uow.find_one(PREFERENCES.collection, {"_id": message.change.get("from")})
    if theirs is not None and uow.find_one(PREFERENCES.collection, {"_id": message.key}) is None:
        choices = {choice: theirs[choice] for choice in CHOICES}
        uow.insert(PREFERENCES, {"_id": message.key, **choices}, "preferences.created")


FOLLOW_MERGE = Policy(name="merged contacts", types=frozenset({"contact.merged"}), handle=follow_merge)
FOLLOW_UNMERGE = Policy(name="unmerged contacts", types=frozenset({"contact.unmerged"}), handle=follow_unmerge)

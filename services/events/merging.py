"""When two contacts become one, their registrations follow; of two for the same event the better place stays."""

from functools import partial
from typing import Any

from services.events.people.registrants import surviving_contact
from services.events.projections import CONTACTS
from services.events.registrations.commands import settle_seats
from services.events.registrations.seats import next_sequence
from services.events.registrations.store import REGISTRATIONS, RegistrationDocument
from shared.cause import own_initiative
from shared.messaging.messages import Message
from shared.messaging.subscriptions import Policy
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.periodic import PeriodicTask

# Which of two places is the better one; of two alike it is the earlier.
RANKS = {"attended": 5, "confirmed": 4, "offered": 3, "absent": 2, "waitlisted": 1}


def follow_merge(uow: UnitOfWork, message: Message) -> None:
    """Gives the registrations of the contact to the one that is left, in whatever order merges are heard of."""
    give_to_survivor(uow, message.key)


def give_to_survivor(uow: UnitOfWork, contact_id: str) -> None:
    """Gives the contact's registrations to the contact that it has become; nothing where it is still itself."""
    into = surviving_contact(uow, contact_id)
    if into == contact_id:
        return
    theirs = uow.find_all(REGISTRATIONS, {"contact_id": contact_id})
    events = [registration["event_id"] for registration in theirs if registration["live"]]
    live = {"contact_id": into, "live": True, "event_id": {"$in": events}}
    others = {each["event_id"]: each for each in uow.find_all(REGISTRATIONS, live)}
    for registration in theirs:
        other = others.get(registration["event_id"]) if registration["live"] else None
        if other is not None and rank(registration) > rank(other):
            _give_up(uow, other, kept=registration)
            other = None
        moved = _moved(registration, contact_id, into)
        if other is None:
            uow.save(REGISTRATIONS, registration, moved, "registration.updated")
        else:
            _give_up(uow, registration, kept=other, **moved)


def rank(registration: RegistrationDocument) -> tuple[int, int, str]:
    """The better place is the greater."""
    return RANKS.get(registration["state"], 0), -registration["queue_number"], registration["_id"]


def _moved(registration: RegistrationDocument, contact_id: str, into: str) -> dict[str, Any]:
    keys = [into if key == contact_id else key for key in registration["person_keys"]]
    return {
        "contact_id": into,
        "person_keys": keys,
        "merged_from": [*registration.get("merged_from", []), contact_id],
    }


def _give_up(uow: UnitOfWork, registration: RegistrationDocument, *, kept: RegistrationDocument, **moved: Any) -> None:
    """Cancels without a mail to the person, who keeps the other place; a seat that came free goes to the next."""
    before = registration.get("calendar_sequence") or 0
    sequence = next_sequence(uow, registration["event_id"], before)
    changes = {"state": "cancelled", "live": False, "position": None, "calendar_sequence": sequence, **moved}
    after = uow.save(REGISTRATIONS, registration, changes, "registration.updated", change={"merged_into": kept["_id"]})
    settle_seats(uow, registration, after)


def follow_unmerge(uow: UnitOfWork, message: Message) -> None:
    """Gives the contact the registrations back that came from it. A place that was given up does not come back."""
    other = message.change.get("from")
    for registration in uow.find_all(REGISTRATIONS, {"contact_id": other}):
        came_from = registration.get("merged_from", [])
        if came_from and came_from[-1] == message.key:
            keys = [message.key if key == other else key for key in registration["person_keys"]]
            back = {"contact_id": message.key, "person_keys": keys, "merged_from": came_from[:-1]}
            uow.save(REGISTRATIONS, registration, back, "registration.updated")


def merging_task(db: Database) -> PeriodicTask:
    """The task for registrations that came with the old id while the merge was being heard of."""
    return PeriodicTask(name="merged contacts", run=lambda: follow_late(db), every=30.0)


def follow_late(db: Database) -> bool:
    """Gives the registrations of merged contacts to those that are left; tells whether there were any.

    A registration reads the contact, and the merge reads the contact's registrations: where both happen at the same
    moment neither sees the other.
    """
    merged = db[CONTACTS.collection].distinct("_id", {"merged_into": {"$type": "string"}})
    late = db[REGISTRATIONS.collection].distinct("contact_id", {"contact_id": {"$in": merged}})
    for contact_id in late:
        db.transact(partial(give_to_survivor, contact_id=contact_id), cause=own_initiative("merged contacts"))
    return bool(late)


FOLLOW_MERGE = Policy(name="merged contacts", types=frozenset({"contact.merged"}), handle=follow_merge)
FOLLOW_UNMERGE = Policy(name="unmerged contacts", types=frozenset({"contact.unmerged"}), handle=follow_unmerge)

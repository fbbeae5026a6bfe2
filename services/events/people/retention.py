"""People who are no contacts are forgotten some time after their event; the event's figures stay."""

from datetime import timedelta

from pymongo import DeleteOne

from ops.erasure.traces import without_fields
from services.events.events.store import EVENTS
from services.events.feedback.store import forget_texts
from services.events.questions.answers import SENSITIVE
from services.events.registrations.store import REGISTRATIONS, RegistrationDocument
from shared.cause import own_initiative
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.periodic import PeriodicTask

# All that tells who somebody was, besides the keys that they are recognised by.
FORGOTTEN: Document = {
    "person_sealed": None,
    "address_key": None,
    "feedback_comment": None,
    "feedback_answers": {},
    "answers": {},
}
# A worker gives others their turn after so many.
PORTION = 100
# Nobody waits for it: an hour more or less does not matter after months.
EVERY_SECONDS = 3600.0


def forget_guests(db: Database, *, days: int) -> bool:
    """Forgets a portion of those whose event ended so many days ago; tells whether there were any.

    Several workers may do it at once: what one has forgotten the others find forgotten.
    """
    before = utc_now() - timedelta(days=days)
    forget_texts(db, before)
    found = db[REGISTRATIONS.collection].aggregate(
        [
            {"$match": {"person_sealed": {"$type": "string"}, "created_at": {"$lt": before}}},
            {"$lookup": {"from": EVENTS.collection, "localField": "event_id", "foreignField": "_id", "as": "event"}},
            {"$match": {"event.ends_at": {"$lt": before}}},
            {"$limit": PORTION},
            {"$project": {"_id": 1}},
        ]
    )
    ids = [row["_id"] for row in found]
    for identifier in ids:
        db.transact(lambda uow, registration_id=identifier: _forget(uow, registration_id), cause=OWN)  # type: ignore[misc]
    return bool(ids)


def forget_registration(uow: UnitOfWork, registration: RegistrationDocument) -> None:
    """Takes out of a registration, its history and its message all that tells who it was."""
    without_fields(uow, {"of": registration["_id"], "kind": REGISTRATIONS.name}, "person_sealed")
    uow.write(SENSITIVE, DeleteOne({"_id": registration["_id"]}))
    # Each needs a key of its own: no two registrations of an event are one person's.
    forgotten = {**FORGOTTEN, "person_keys": [f"erased:{registration['_id']}"]}
    # `before` has forgotten them as well: the message must not say what was there.
    uow.save(REGISTRATIONS, {**registration, **FORGOTTEN}, forgotten, "registration.updated")


def retention_task(db: Database, *, days: int) -> PeriodicTask:
    """The task that forgets guests."""
    return PeriodicTask(name="guests", run=lambda: forget_guests(db, days=days), every=EVERY_SECONDS)


def _forget(uow: UnitOfWork, registration_id: str) -> None:
    registration = uow.get(REGISTRATIONS, registration_id)
    if registration["person_sealed"]:
        forget_registration(uow, registration)


OWN = own_initiative("guests")

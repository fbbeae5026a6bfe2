"""Sends announcements: makes the deliveries for a segment in portions, until an announcement is paused."""

from collections.abc import Iterable
from typing import Any

from pymongo import UpdateOne

from services.notifications.announcements.saved_segments import is_known
from services.notifications.announcements.segments import Person, base_query, next_portion
from services.notifications.announcements.store import ANNOUNCEMENTS, PROGRESS, AnnouncementDocument
from services.notifications.deliveries.commands import add_deliveries
from services.notifications.deliveries.domain import Because, NewDelivery
from services.notifications.deliveries.store import DELIVERIES
from shared.cause import Cause, own_initiative
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

PORTION = 200
# Enough to keep the senders busy, and so few that a pause or a cancellation stops nearly all the rest.
MOST_WAITING = 1000


def send_announcements(db: Database, *, portion: int = PORTION) -> bool:
    """Begins due announcements, and makes the next portion of each. Returns whether there is more to do."""
    due = {"state": "scheduled", "$or": [{"send_at": None}, {"send_at": {"$lte": utc_now()}}]}
    busy = False
    for row in list(db[ANNOUNCEMENTS.collection].find(due, {"_id": 1})):
        busy = db.transact(lambda uow, row=row: _begin(uow, row["_id"]), cause=own_initiative("announcements")) or busy  # type: ignore[misc]
    for row in list(db[ANNOUNCEMENTS.collection].find({"state": "sending"}, {"_id": 1})):
        waiting = {"announcement_id": row["_id"], "state": "queued"}
        left = db[DELIVERIES.collection].count_documents(waiting, limit=MOST_WAITING)
        if left >= MOST_WAITING:
            continue
        cause = own_initiative("announcements")
        busy = db.transact(lambda uow, row=row, left=left: _go_on(uow, row["_id"], portion, left), cause=cause) or busy  # type: ignore[misc]
    return busy


def _begin(uow: UnitOfWork, announcement_id: str) -> bool:
    announcement = uow.get(ANNOUNCEMENTS, announcement_id)
    if announcement["state"] != "scheduled":
        return False
    uow.transition(ANNOUNCEMENTS, announcement, "sending", changes={"started_at": uow.now})
    return True


def _go_on(uow: UnitOfWork, announcement_id: str, size: int, left: int) -> bool:
    """Makes the next portion. Another worker at the same portion meets a write conflict and continues after it."""
    announcement = uow.get(ANNOUNCEMENTS, announcement_id)
    if announcement["state"] != "sending":
        return False
    progress = uow.find_one(PROGRESS, {"_id": announcement_id}) or _no_progress(uow, announcement)
    if progress["after"] is None:
        return left == 0 and _finish(uow, announcement, progress)
    name = announcement["segment"].get("name")
    if name and not is_known(uow.find, name):
        uow.transition(ANNOUNCEMENTS, announcement, "paused", reason="There is no segment of this name any more.")
        return False
    found = next_portion(uow.find, announcement["segment"], after=progress["after"], size=size)
    made = add_deliveries(uow, _deliveries(uow, announcement, found.people))
    after = {
        "after": found.after,
        "looked_at": progress["looked_at"] + found.looked_at,
        "made": progress["made"] + len(made),
    }
    uow.write(PROGRESS, UpdateOne({"_id": announcement_id}, {"$set": {**progress, **after}}, upsert=True))
    return True


def _no_progress(uow: UnitOfWork, announcement: AnnouncementDocument) -> Document:
    collection, query = base_query(uow.find, announcement["segment"])
    candidates = uow.db[collection].count_documents(query, session=uow.session)
    return {"_id": announcement["_id"], "after": "", "looked_at": 0, "made": 0, "candidates": candidates}


def _finish(uow: UnitOfWork, announcement: AnnouncementDocument, progress: Document) -> bool:
    done = {"finished_at": uow.now, "recipients": progress["made"]}
    uow.transition(ANNOUNCEMENTS, announcement, "sent", changes=done)
    return True


def _deliveries(
    uow: UnitOfWork, announcement: AnnouncementDocument, people: Iterable[Person]
) -> list[tuple[Cause, NewDelivery]]:
    return [(uow.cause, announced(announcement, person)) for person in people]


def announced(announcement: Any, person: Person) -> NewDelivery:
    """The delivery of an announcement to a person. Its `dedup_key` makes sure that there is only one."""
    return NewDelivery(
        template="announcement",
        because=Because(rule="announcement", actor="announcement"),
        dedup_key=f"announcement:{announcement['_id']}:{person.key}",
        contact_id=person.contact_id,
        registration_id=None if person.contact_id else person.registration_id,
        event_id=person.event_id,
        language=person.language,
        announcement_id=announcement["_id"],
    )

"""Held seats that nobody took go to the people in line when their hold is released."""

from functools import partial

from services.events.events.store import EVENTS
from services.events.registrations.admission import release_held_seats
from services.events.registrations.seats import SEATS
from shared.cause import own_initiative
from shared.errors import Conflict
from shared.ids import utc_now
from shared.mongo.contention import in_turn
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

# A worker's other periodic tasks run between two portions.
PORTION = 100


def release_all(db: Database) -> bool:
    """Releases the holds whose time is over, one event a transaction. Returns whether there were any.

    Several workers may run it at once: whoever comes second finds the hold released.
    """
    due = {"release_at": {"$type": "date", "$lte": utc_now()}}  # as the index says it
    found = list(db[SEATS].find(due, {"_id": 1}).sort("release_at", 1).limit(PORTION))
    for row in found:
        try:
            in_turn(row["_id"], partial(_release, db, row["_id"]))
        except Conflict:
            continue  # other processes change the event at this moment: the next round has it
    return bool(found)


def _release(db: Database, event_id: str) -> None:
    db.transact(lambda uow: _release_if_due(uow, event_id), cause=own_initiative("held seats"))


def _release_if_due(uow: UnitOfWork, event_id: str) -> None:
    seats = uow.find_one(SEATS, {"_id": event_id}, projection={"release_at": 1})
    if seats and seats.get("release_at") and seats["release_at"] <= uow.now:
        release_held_seats(uow, uow.get(EVENTS, event_id))

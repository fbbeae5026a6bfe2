"""An offered seat that was not taken in time goes to the next person in line."""

from functools import partial

from services.events.registrations import commands
from services.events.registrations.store import REGISTRATIONS
from shared.cause import own_initiative
from shared.errors import Conflict
from shared.ids import utc_now
from shared.mongo.contention import in_turn
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

# A worker's other periodic tasks run between two portions.
PORTION = 100


def end_offers(db: Database) -> bool:
    """Cancels the offers whose time is over, one transaction each. Returns whether there were any.

    Several workers may run it at once: an offer that one worker has cancelled is no offer for the others.
    """
    over = {"state": "offered", "held_until": {"$lte": utc_now()}}
    found = list(db[REGISTRATIONS.collection].find(over, {"event_id": 1}).sort("held_until", 1).limit(PORTION))
    for row in found:
        try:
            in_turn(row["event_id"], partial(_end_offer, db, row["_id"]))
        except Conflict:
            continue  # other processes change the event at this moment: the next round has it
    return bool(found)


def _end_offer(db: Database, registration_id: str) -> None:
    db.transact(lambda uow: _cancel_if_over(uow, registration_id), cause=own_initiative("offers"))


def _cancel_if_over(uow: UnitOfWork, registration_id: str) -> None:
    registration = uow.get(REGISTRATIONS, registration_id)
    held_until = registration["held_until"]
    if registration["state"] == "offered" and held_until and held_until <= uow.now:
        commands.move_registration(uow, registration_id, to="cancelled", reason=None, expired=True)

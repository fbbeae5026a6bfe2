"""Offered seats that nobody took in time go to the next in line."""

from services.events.registrations import commands
from services.events.registrations.event_lock import in_turn
from services.events.registrations.store import REGISTRATIONS
from shared.cause import own_initiative
from shared.errors import Conflict
from shared.ids import utc_now
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

# A worker gives others their turn after so many.
PORTION = 100


def end_offers(db: Database) -> bool:
    """Cancels the offers whose time is over, one transaction each; tells whether there were any.

    Several workers may do it at once: what one has cancelled the others find cancelled.
    """
    over = {"state": "offered", "held_until": {"$lte": utc_now()}}
    found = list(db[REGISTRATIONS.collection].find(over, {"event_id": 1}).sort("held_until", 1).limit(PORTION))
    for row in found:
        registration_id = row["_id"]

        def end(uow: UnitOfWork, registration_id: str = registration_id) -> None:
            registration = uow.get(REGISTRATIONS, registration_id)
            held_until = registration["held_until"]
            if registration["state"] == "offered" and held_until and held_until <= uow.now:
                commands.move_registration(uow, registration_id, to="cancelled", reason=None, expired=True)

        try:
            in_turn(row["event_id"], lambda end=end: db.transact(end, cause=own_initiative("offers")))  # type: ignore[misc]
        except Conflict:
            continue  # the event is busy: the next round has it
    return bool(found)

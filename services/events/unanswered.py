"""A workshop whose request for days stays unanswered is refused, and may be published again."""

from datetime import timedelta

from services.events.events.commands import step
from services.events.events.store import EVENTS
from shared.cause import own_initiative
from shared.ids import utc_now
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

# A service may be away for three days and go on where it was. A request that is older was lost to an error (a dead
# letter, say): staff should hear of it before the day of the workshop.
ANSWERED_WITHIN = timedelta(days=3)
PORTION = 100
NO_ANSWER = "There was no answer about the days for three days. Publish the workshop again to ask once more."


def refuse_unanswered(db: Database) -> bool:
    """Refuses the workshops that have waited for too long, one transaction each. Returns whether there were any.

    An answer that comes later does not count. Enrolment gives back what it reserved meanwhile: it hears that the
    workshop is refused.
    """
    waiting = {"state": "awaiting_days", "updated_at": {"$lte": utc_now() - ANSWERED_WITHIN}}
    found = list(db[EVENTS.collection].find(waiting, {"_id": 1}).limit(PORTION))
    for row in found:
        db.transact(lambda uow, event_id=row["_id"]: _refuse(uow, event_id), cause=OWN)  # type: ignore[misc]
    return bool(found)


def _refuse(uow: UnitOfWork, event_id: str) -> None:
    event = uow.get(EVENTS, event_id)
    if event["state"] == "awaiting_days" and event["updated_at"] <= uow.now - ANSWERED_WITHIN:
        step(uow, event, "refused", NO_ANSWER)


OWN = own_initiative("unanswered workshops")

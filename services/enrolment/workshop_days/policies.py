"""When a workshop asks for days, is cancelled or completed, its enrolment's account follows."""

from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.projections import EVENTS
from services.enrolment.workshop_days.commands import enter
from services.enrolment.workshop_days.domain import entries_for
from services.enrolment.workshop_days.store import ENTRIES, WORKSHOP_DAYS
from shared.messaging.messages import Message
from shared.messaging.subscriptions import unless_erased
from shared.mongo.unit_of_work import UnitOfWork

EVENTS_TOPIC = "uso.events.events.v1"
EVENT_TYPES = frozenset({"event.created", "event.updated", "event.transitioned"})


def follow_workshop(uow: UnitOfWork, message: Message) -> None:
    """Acts on the workshop's present state, after any of its messages. A second run changes nothing.

    Raises NotFound for an unknown enrolment.
    """
    event = unless_erased(uow.find_one(EVENTS.collection, {"_id": message.key}))
    if event is None or event["kind"] != "workshop" or event["state"] in ("draft", "published"):
        return
    account = uow.get(WORKSHOP_DAYS, event["enrolment_id"])
    enrolment = uow.get(ENROLMENTS, event["enrolment_id"])
    ledger = uow.find(ENTRIES, {"enrolment_id": account["_id"], "event_id": event["_id"]}, sort=[("_id", 1)])
    for entry in entries_for({**account, "ledger": ledger}, event, enrolment_state=enrolment["state"]):
        account = enter(uow, account, entry)

"""When enrolment answers a workshop's request for days, the workshop is published or refused."""

from services.events.events.commands import step
from services.events.events.domain import answer_to
from services.events.events.store import EVENTS
from shared.messaging.messages import Message
from shared.mongo.unit_of_work import UnitOfWork

WORKSHOP_DAYS_TOPIC = "uso.enrolment.workshop-days.v1"
# Compaction leaves only the newest message of an account, of whichever type. Its ledger holds all the answers.
WORKSHOP_DAYS_TYPES = frozenset(
    f"workshop_days.{what}" for what in ("reserved", "refused", "released", "used", "adjusted")
)


def take_answer(uow: UnitOfWork, message: Message) -> None:
    """Publishes or refuses each waiting workshop that the account's ledger answers. A second run changes nothing."""
    ledger = (message.state or {}).get("ledger") or []
    asked_for = [entry["event_id"] for entry in ledger if entry.get("event_id")]
    for event in uow.find_all(EVENTS, {"_id": {"$in": asked_for}, "state": "awaiting_days"}):
        answer = answer_to(event, ledger)
        if answer is not None:
            step(uow, event, "published" if answer.granted else "refused", answer.reason)

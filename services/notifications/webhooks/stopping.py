"""Stops the calls of a webhook whose endpoint is dead or gone, and warns operators."""

from functools import partial

from prometheus_client import Counter

from services.notifications.webhooks.store import WEBHOOKS
from shared.cause import own_initiative
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

STOPPED = Counter(
    "uso_webhooks_stopped", "Webhooks that are called no more: dead for three days, or gone (410)", ["why"]
)


def stop_calling(db: Database, webhook_id: str, *, to: str, why: str) -> None:
    """Moves the webhook to dead or gone, unless it is no longer active."""
    stop = partial(_stop, webhook_id=webhook_id, to=to, why=why)
    if db.transact(stop, cause=own_initiative("webhooks")):
        STOPPED.labels(to).inc()
        log.error("a webhook is called no more", webhook_id=webhook_id, state=to, why=why)


def _stop(uow: UnitOfWork, *, webhook_id: str, to: str, why: str) -> bool:
    webhook = uow.find_one(WEBHOOKS.collection, {"_id": webhook_id, "state": "active"})
    if webhook is None:
        return False
    uow.transition(WEBHOOKS, webhook, to, changes={"stopped_because": why})
    return True

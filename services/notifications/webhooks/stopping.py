"""Stops the calls of a webhook whose endpoint is dead or gone, and tells the staff who look after it, and operators."""

from functools import partial
from urllib.parse import urlsplit

from prometheus_client import Counter

from services.notifications.deliveries.commands import add_deliveries
from services.notifications.deliveries.domain import Because, NewDelivery
from services.notifications.staff.store import STAFF
from services.notifications.webhooks.store import WEBHOOKS
from shared.cause import own_initiative
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL
from shared.mongo.unit_of_work import UnitOfWork
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

TEMPLATE = "webhook_stopped"
STOPPED = Counter(
    "uso_webhooks_stopped", "Webhooks that are called no more: dead for three days, or gone (410)", ["why"]
)


def stop_calling(db: Database, webhook_id: str, *, to: str, why: str) -> None:
    """Moves the webhook to dead or gone, unless it is no longer active."""
    stop = partial(_stop, webhook_id=webhook_id, to=to, why=why)
    if db.transact(stop, cause=own_initiative("webhooks")):
        STOPPED.labels(to).inc()
        log.error("a webhook is called no more", webhook_id=webhook_id, state=to, why=why)


def _tell_staff(uow: UnitOfWork, webhook: Document, to: str) -> None:
    """A mail to each member of staff who has registered or changed the webhook and has given an address."""
    changed_by = uow.db[JOURNAL].distinct("by", {"of": webhook["_id"]}, session=uow.session)
    staff = uow.find(STAFF.collection, {"sub": {"$in": changed_by}, "email": {"$ne": None}})
    host = urlsplit(webhook["url"]).hostname or ""
    add_deliveries(
        uow,
        [
            (
                uow.cause,
                NewDelivery(
                    template=TEMPLATE,
                    because=Because(rule=TEMPLATE, actor=uow.cause.actor),
                    dedup_key=f"{TEMPLATE}:{webhook['_id']}:{webhook['version']}:{member['_id']}",
                    language=member["language"],
                    personalisation={"staff_id": member["_id"], "webhook": {"host": host, "is_gone": to == "gone"}},
                ),
            )
            for member in staff
        ],
    )


def _stop(uow: UnitOfWork, *, webhook_id: str, to: str, why: str) -> bool:
    webhook = uow.find_one(WEBHOOKS.collection, {"_id": webhook_id, "state": "active"})
    if webhook is None:
        return False
    uow.transition(WEBHOOKS, webhook, to, changes={"stopped_because": why})
    _tell_staff(uow, webhook, to)
    return True

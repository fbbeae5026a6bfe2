"""What staff do with webhooks."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo import DeleteOne, InsertOne, UpdateOne

from services.notifications.webhooks.domain import check_is_for_people
from services.notifications.webhooks.messages import call_row, message_row
from services.notifications.webhooks.schemas import WebhookInput
from services.notifications.webhooks.store import CALLS, LINES, MESSAGES, WEBHOOKS
from shared.errors import Conflict
from shared.ids import new_id
from shared.merge_patch import patched
from shared.messaging.messages import Message
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

INPUT = WebhookInput()
# Each active webhook has a thread of its own in each worker, and its own copy of a call for each message.
MOST_WEBHOOKS = 100
NO_OLD_SECRET = {"old_secret_sealed": None, "old_secret_until": None}


def create_webhook(uow: UnitOfWork, fields: Mapping[str, Any], *, sealed_secret: str) -> Document:
    """A new, active webhook. Raises Conflict when there are a hundred."""
    there = len(uow.find(WEBHOOKS.collection, {}, projection={"_id": 1}, limit=MOST_WEBHOOKS))
    if there >= MOST_WEBHOOKS:
        raise Conflict(f"There are {MOST_WEBHOOKS} webhooks, which is the limit. Delete one that nobody needs.")
    made = {**fields, **NO_OLD_SECRET, "secret_sealed": sealed_secret, "state": "active", "stopped_because": None}
    return uow.insert(WEBHOOKS, made, "webhook.created")


def change_webhook(uow: UnitOfWork, webhook_id: str, patch: Mapping[str, Any]) -> Document:
    """Applies a merge patch. Raises NotFound, Stale, Invalid."""
    webhook = uow.get(WEBHOOKS, webhook_id)
    _call_at_once(uow, webhook_id)
    return uow.save(WEBHOOKS, webhook, patched(INPUT.dump(webhook), patch, INPUT), "webhook.updated")


def move_webhook(uow: UnitOfWork, webhook_id: str, *, to: str, reason: str | None) -> Document:
    """Pauses a webhook, or lets it go on with what has come meanwhile. Raises NotFound, Stale, IllegalTransition."""
    webhook = uow.get(WEBHOOKS, webhook_id)
    check_is_for_people(to)
    _call_at_once(uow, webhook_id)
    changes = {"stopped_because": reason if to == "paused" else None}
    return uow.transition(WEBHOOKS, webhook, to, reason=reason, changes=changes)


def delete_webhook(uow: UnitOfWork, webhook_id: str) -> None:
    """Nothing is called any more; its calls go after their week. Raises NotFound, Stale."""
    webhook = uow.get(WEBHOOKS, webhook_id)
    uow.save(WEBHOOKS, webhook, {"deleted_at": uow.now}, "webhook.deleted")  # the history says who
    uow.write(WEBHOOKS.collection, DeleteOne({"_id": webhook_id}))
    uow.write(LINES, DeleteOne({"_id": webhook_id}))


def rotate_secret(uow: UnitOfWork, webhook_id: str, *, sealed_secret: str, overlap: timedelta) -> Document:
    """A new secret; until `overlap` is over, calls are signed with the old one as well. Raises NotFound, Stale."""
    webhook = uow.get(WEBHOOKS, webhook_id)
    changes = {
        "secret_sealed": sealed_secret,
        "old_secret_sealed": webhook["secret_sealed"],
        "old_secret_until": uow.now + overlap,
    }
    return uow.save(WEBHOOKS, webhook, changes, "webhook.rotated")


def replay(uow: UnitOfWork, webhook_id: str, *, since: datetime) -> Document:
    """Notes that what came since then is to be called once more. Raises NotFound, Conflict while one is under way."""
    uow.get(WEBHOOKS, webhook_id)
    line = uow.find_one(LINES, {"_id": webhook_id})
    if line and line.get("replay"):
        raise Conflict("A replay of this webhook is under way already.")
    wanted = {"id": new_id(), "since": since, "until": uow.now, "after": None}
    uow.write(LINES, UpdateOne({"_id": webhook_id}, {"$set": {"replay": wanted}}, upsert=True))
    return {"webhook_id": webhook_id, "call_id": None}


def ping(uow: UnitOfWork, webhook_id: str) -> Document:
    """A call with a message that says nothing, behind no other. Raises NotFound, Conflict when it is not active."""
    webhook = uow.get(WEBHOOKS, webhook_id)
    if webhook["state"] != "active":
        raise Conflict(f"This webhook is {webhook['state']}: make it active first.")
    message = Message(
        id=new_id(),
        type="webhook.ping",
        key=webhook_id,
        sequence=webhook["version"],
        state={"id": webhook_id},
        actor=uow.cause.actor,
        correlation_id=uow.cause.correlation_id,
        topic="uso.notifications.webhooks",
    )
    row = call_row(webhook_id, message_row(message, now=uow.now), now=uow.now)
    call_id = new_id()
    uow.write(MESSAGES, InsertOne(message_row(message, now=uow.now)))
    uow.write(CALLS, InsertOne({"_id": call_id, **row}))
    return {"webhook_id": webhook_id, "call_id": call_id}


def _call_at_once(uow: UnitOfWork, webhook_id: str) -> None:
    """What was wrong with the endpoint may be put right: it rests no longer, and has three days again."""
    rested: Document = {"next_at": uow.now, "failures": 0, "failing_since": None}
    uow.write(LINES, UpdateOne({"_id": webhook_id}, {"$set": rested}, upsert=True))

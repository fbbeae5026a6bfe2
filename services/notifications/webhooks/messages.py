"""Queues a call for each webhook that wants a message."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pymongo import DeleteMany, UpdateMany, UpdateOne

from services.notifications.webhooks.domain import KEPT_FOR, erasure_type, wants
from services.notifications.webhooks.store import CALLS, MESSAGES, WEBHOOKS
from shared.cause import Cause
from shared.cloudevents import encode
from shared.ids import new_id
from shared.instants import instant_text
from shared.messaging.messages import Message, owner_of
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class QueueCalls:
    """A subscription's handler: a call for each webhook that wants the message, however often it arrives."""

    name: str = "webhooks"

    def apply(self, uow: UnitOfWork, messages: Sequence[Message]) -> None:
        erased = [message for message in messages if message.state is None]
        for message in erased:
            _forget(uow, message)
        # No calls are queued for a webhook that is gone. The calls of a paused or dead webhook are kept for a week.
        webhooks = uow.find(WEBHOOKS.collection, {"state": {"$ne": "gone"}}, projection={"types": 1})
        for message in messages if webhooks else ():
            row = message_row(message, now=uow.now)
            called = [webhook["_id"] for webhook in webhooks if wants(webhook["types"], row["type"])]
            if called:
                uow.write(MESSAGES, _unless_there({"_id": row["_id"]}, row))
                uow.write(CALLS, *(queue_call(webhook_id, row, now=uow.now) for webhook_id in called))


def message_row(message: Message, *, now: datetime) -> Document:
    """The message as a webhook gets it: a CloudEvents document; a tombstone as `<noun>.erased` without a state."""
    type = erasure_type(message.topic) if message.state is None else message.type
    value = encode(
        message_id=message.id,
        source=owner_of(message.topic) or "",
        type=type,
        subject=message.key,
        time=message.time or instant_text(now),
        sequence=message.sequence,
        state=message.state or {},
        change=message.change,
        cause=_its_own_cause(message),
    )
    return {
        "_id": message.id,
        "topic": message.topic,
        "key": message.key,
        "type": type,
        "sequence": message.sequence,
        "at": now,
        "value": value,
        "expires_at": now + KEPT_FOR,
    }


def call_row(webhook_id: str, message: Document, *, now: datetime, replay: str | None = None) -> Document:
    """A call of this message that is to be made."""
    return {
        "webhook_id": webhook_id,
        "message_id": message["_id"],
        "type": message["type"],
        "key": f"{message['topic']}/{message['key']}",
        "message_key": message["key"],
        "sequence": message["sequence"],
        "replay": replay,
        "state": "waiting",
        "attempts": 0,
        "next_at": now,
        "created_at": now,
        "finished_at": None,
        "first_tried_at": None,
        "tries": [],
        "expires_at": now + KEPT_FOR,
    }


def queue_call(webhook_id: str, message: Document, *, now: datetime, replay: str | None = None) -> UpdateOne:
    """Queues a call, unless it is there."""
    identity = {"webhook_id": webhook_id, "message_id": message["_id"], "replay": replay}
    return _unless_there(identity, {"_id": new_id(), **call_row(webhook_id, message, now=now, replay=replay)})


def _unless_there(identity: Document, row: Document) -> UpdateOne:
    rest: dict[str, Any] = {name: value for name, value in row.items() if name not in identity}
    return UpdateOne(identity, {"$setOnInsert": rest}, upsert=True)


def _forget(uow: UnitOfWork, message: Message) -> None:
    """Deletes the messages of an erased person, and ends the calls that wait for them."""
    waiting = {"key": f"{message.topic}/{message.key}", "state": "waiting"}
    ended = {"state": "erased", "finished_at": uow.now, "next_at": None}
    uow.write(MESSAGES, DeleteMany({"topic": message.topic, "key": message.key}))
    uow.write(CALLS, UpdateMany(waiting, {"$set": ended}))


def _its_own_cause(message: Message) -> Cause:
    """The cause that the message's envelope names, and not the cause of an effect of the message."""
    return replace(message.cause, causation_id=message.causation_id)

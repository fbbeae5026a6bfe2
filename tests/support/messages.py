"""Messages without Kafka in between: made by hand, applied as the consumer applies them, read from an outbox."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.cause import own_initiative
from shared.ids import new_id
from shared.messaging.messages import Message, decode
from shared.messaging.subscriptions import Subscriptions, apply_batch
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL


def message(
    topic: str,
    type: str,
    state: Mapping[str, Any] | None,
    *,
    key: str | None = None,
    sequence: int | None = None,
    change: Mapping[str, Any] | None = None,
    actor: str = "test-coordinator",
    id: str | None = None,
) -> Message:
    """A message as it arrives from `topic`; its key is the state's id and its sequence the state's version."""
    content = dict(state or {})
    return Message(
        id=id or new_id(),
        type=type,
        key=key or str(content["id"]),
        sequence=sequence if sequence is not None else int(content.get("version", 1)),
        state=state,
        change=dict(change or {}),
        actor=actor,
        correlation_id=new_id(),
        topic=topic,
    )


def feed(db: Database, subscriptions: Subscriptions, messages: Iterable[Message]) -> None:
    """Applies the messages as one batch, in one transaction."""
    batch = list(messages)
    db.transact(lambda work: apply_batch(subscriptions, work, batch), cause=own_initiative("test"))


def outbox(db: Database, topic: str | None = None) -> list[Message]:
    """The outbox: the messages for the relay, sent or unsent, oldest first."""
    rows = db[JOURNAL].find({"topic": topic or {"$type": "string"}}).sort("_id", 1)
    return [
        decode(row["value"], key=None if row["key"] is None else row["key"].encode(), topic=row["topic"])
        for row in rows
    ]


def outbox_text(db: Database) -> str:
    """The whole outbox as text, to search for texts that must not be in it."""
    return "\n".join(
        json.dumps(row["key"]) + (row["value"] or b"").decode(errors="replace")
        for row in db[JOURNAL].find({"topic": {"$type": "string"}})
    )


def relay_by_hand(source: Database, targets: Sequence[tuple[Database, Subscriptions]]) -> int:
    """Carries one service's outbox to others, as relay and consumers would. Returns the number of messages."""
    messages = outbox(source)
    for db, subscriptions in targets:
        feed(db, subscriptions, [message for message in messages if message.topic in subscriptions])
    return len(messages)

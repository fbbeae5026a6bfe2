"""Applies late messages (a redrive or a replay), when newer messages of the same key were handled before."""

from collections.abc import Sequence

from shared.messaging.messages import Message
from shared.messaging.subscriptions import Projection, Subscriptions, apply_batch, apply_projections
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork


def apply_late(subscriptions: Subscriptions, uow: UnitOfWork, messages: Sequence[Message]) -> int:
    """Applies the messages, but policies get none that newer state contradicts. Returns the number of those.

    An old message must still have its effect, since newer messages say nothing of it: an event that was cancelled and
    then changed is still cancelled. Newer state contradicts a message when the projection of its topic has a newer
    version in another `state`, or the subject was erased: a registration that was cancelled since gets no confirmation.
    A topic without a projection has only the guards of its policies.
    """
    apply_projections(subscriptions, uow, messages)
    contradicted = _contradicted(subscriptions, uow, messages)
    apply_batch(subscriptions, uow, [each for each in messages if each.id not in contradicted])
    return len(contradicted)


def _contradicted(subscriptions: Subscriptions, uow: UnitOfWork, messages: Sequence[Message]) -> set[str]:
    found: set[str] = set()
    for topic in {message.topic for message in messages}:
        group = [message for message in messages if message.topic == topic and message.state is not None]
        keys = sorted({message.key for message in group})
        for handler in subscriptions.get(topic, ()):
            if isinstance(handler, Projection):
                rows = uow.find(handler.collection, {"_id": {"$in": keys}})
                known = {row["_id"]: row for row in rows}
                found |= {
                    message.id
                    for message in group
                    if message.key in known and _contradicts(known[message.key], message)
                }
    return found


def _contradicts(row: Document, message: Message) -> bool:
    if row["sequence"] <= message.sequence:
        return False
    return "erased" in row or ("state" in row and row["state"] != (message.state or {}).get("state"))

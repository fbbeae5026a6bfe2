"""What a service does with the messages it reads: keep a copy, or follow a policy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pymongo import IndexModel, InsertOne, UpdateOne

from shared.messaging.messages import TOMBSTONE_SEQUENCE, Message
from shared.mongo.aggregates import Document
from shared.mongo.database import SEEN
from shared.mongo.unit_of_work import UnitOfWork


class Handler(Protocol):
    """Takes messages in the order of their keys, any number at once, inside one transaction."""

    @property
    def name(self) -> str: ...

    def apply(self, uow: UnitOfWork, messages: Sequence[Message]) -> None: ...


Subscriptions = Mapping[str, Sequence[Handler]]


def _whole_state(message: Message) -> Document:
    return {name: value for name, value in (message.state or {}).items() if name != "id"}


@dataclass(frozen=True, kw_only=True)
class Projection:
    """An own copy of another service's aggregates, one document each, `_id` and `sequence` included.

    An older message never overwrites a newer one, so it may be read twice, late or from the start.
    `keep` says what of the message is kept. After a tombstone only the id and the fact are left.
    """

    collection: str
    keep: Callable[[Message], Document] = _whole_state
    indexes: Sequence[IndexModel] = ()

    @property
    def name(self) -> str:
        return f"copy {self.collection}"

    def apply(self, uow: UnitOfWork, messages: Sequence[Message]) -> None:
        newest: dict[str, Message] = {}
        for message in messages:
            if message.key not in newest or newest[message.key].sequence <= message.sequence:
                newest[message.key] = message
        uow.write(self.collection, *(if_newer(self.document(message)) for message in newest.values()))

    def document(self, message: Message) -> Document:
        """The whole document that this message makes of the copy."""
        kept = {"erased": True} if message.state is None else self.keep(message)
        return {**kept, "_id": message.key, "sequence": message.sequence}


def if_newer(document: Document) -> UpdateOne:
    """Puts a copy's document in place of an older one, and leaves a newer one alone."""
    is_newer = {"$gt": [document["sequence"], {"$ifNull": ["$sequence", 0]}]}
    return UpdateOne(
        {"_id": document["_id"]},
        [{"$replaceWith": {"$cond": [is_newer, {"$literal": document}, "$$ROOT"]}}],
        upsert=True,
    )


@dataclass(frozen=True, kw_only=True)
class Policy:
    """When one of `types` arrives, do `handle`, once for each message id however often it arrives.

    `handle` runs inside the batch's transaction, with work whose cause is the message.
    """

    name: str
    types: frozenset[str]
    handle: Callable[[UnitOfWork, Message], None]

    def apply(self, uow: UnitOfWork, messages: Sequence[Message]) -> None:
        mine = {f"{self.name}:{message.id}": message for message in messages if message.type in self.types}
        if not mine:
            return
        seen = {row["_id"] for row in uow.find(SEEN, {"_id": {"$in": list(mine)}}, projection={"_id": 1})}
        fresh = {identifier: message for identifier, message in mine.items() if identifier not in seen}
        uow.write(SEEN, *(InsertOne({"_id": identifier, "at": uow.now}) for identifier in fresh))
        for message in fresh.values():
            self.handle(uow.due_to(message.cause), message)


def unless_erased(document: Document | None) -> Document | None:
    """The copy if it stands for something that is still there: None for an erased one."""
    return None if document is None or document.get("sequence") == TOMBSTONE_SEQUENCE else document


def apply_batch(subscriptions: Subscriptions, uow: UnitOfWork, messages: Sequence[Message]) -> None:
    """Hands each message to the handlers of its topic; all copies first, so that policies find them."""
    by_topic: dict[str, list[Message]] = {}
    for message in messages:
        by_topic.setdefault(message.topic, []).append(message)
    for projections in (True, False):
        for topic, group in by_topic.items():
            for handler in subscriptions.get(topic, ()):
                if isinstance(handler, Projection) is projections:
                    handler.apply(uow, group)

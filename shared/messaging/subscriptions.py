"""The handlers of the messages that a service reads: projections and policies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pymongo import IndexModel, InsertOne, UpdateOne
from pymongo.errors import PyMongoError

from shared.messaging.messages import TOMBSTONE_SEQUENCE, Message
from shared.mongo.aggregates import Document
from shared.mongo.database import SEEN
from shared.mongo.errors import DUPLICATE_KEY, codes_of
from shared.mongo.unit_of_work import UnitOfWork


class Handler(Protocol):
    """Takes any number of messages at once, in the order of each key, inside one transaction."""

    @property
    def name(self) -> str: ...

    def apply(self, uow: UnitOfWork, messages: Sequence[Message]) -> None: ...


@runtime_checkable
class OnceHandler(Handler, Protocol):
    """A handler of messages of its `types`. It gets each message id once, however often the message arrives."""

    @property
    def types(self) -> frozenset[str]: ...


Subscriptions = Mapping[str, Sequence[Handler]]


def _whole_state(message: Message) -> Document:
    return {name: value for name, value in (message.state or {}).items() if name != "id"}


@dataclass(frozen=True, kw_only=True)
class Projection:
    """A service's own copy of another service's aggregates, a document each, with `_id` and `sequence`.

    An older message never overwrites a newer one, so it may be read twice, late or from the start.
    `keep` makes the fields of the document from a message. After a tombstone only the id and `erased` are left.
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
        """The whole document that this message makes."""
        kept = {"erased": True} if message.state is None else self.keep(message)
        return {**kept, "_id": message.key, "sequence": message.sequence}


def if_newer(document: Document) -> UpdateOne:
    """The update that replaces an older document, and leaves a newer document alone."""
    is_newer = {"$gt": [document["sequence"], {"$ifNull": ["$sequence", 0]}]}
    return UpdateOne(
        {"_id": document["_id"]},
        [{"$replaceWith": {"$cond": [is_newer, {"$literal": document}, "$$ROOT"]}}],
        upsert=True,
    )


@dataclass(frozen=True, kw_only=True)
class Policy:
    """When a message of `types` arrives, `handle` runs, once for each message id.

    `handle` runs inside the batch's transaction, with a unit of work whose cause is the message.
    """

    name: str
    types: frozenset[str]
    handle: Callable[[UnitOfWork, Message], None]

    def apply(self, uow: UnitOfWork, messages: Sequence[Message]) -> None:
        for message in messages:
            self.handle(uow.due_to(message.cause), message)


def unless_erased(document: Document | None) -> Document | None:
    """The projection's document; None when it is unknown or erased."""
    return None if document is None or document.get("sequence") == TOMBSTONE_SEQUENCE else document


class SeenBefore(Exception):
    """A policy has handled one of the messages already."""


def apply_batch(
    subscriptions: Subscriptions, uow: UnitOfWork, messages: Sequence[Message], *, ask_seen: bool = True
) -> None:
    """Hands each message to the handlers of its topic; all projections first, so that policies find them.

    Without `ask_seen` it does not ask which messages were seen before, and raises SeenBefore when one was: then
    nothing may be committed, and the batch must be applied again with `ask_seen`.
    """
    apply_projections(subscriptions, uow, messages)
    groups = [
        (handler, group)
        for topic, group in _by_topic([each for each in messages if not each.republished]).items()
        for handler in subscriptions.get(topic, ())
        if not isinstance(handler, Projection)
    ]
    fresh = _mark_seen(uow, groups, ask_seen=ask_seen)
    for handler, group in groups:
        if not isinstance(handler, OnceHandler):
            handler.apply(uow, group)
        elif new := [message for message in group if fresh.pop(f"{handler.name}:{message.id}", None)]:
            handler.apply(uow, new)


def apply_projections(subscriptions: Subscriptions, uow: UnitOfWork, messages: Sequence[Message]) -> None:
    """Hands each message to the projections of its topic, and to no policy."""
    for topic, group in _by_topic(messages).items():
        for handler in subscriptions.get(topic, ()):
            if isinstance(handler, Projection):
                handler.apply(uow, group)


def _by_topic(messages: Sequence[Message]) -> dict[str, list[Message]]:
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.topic, []).append(message)
    return groups


def _mark_seen(
    uow: UnitOfWork, groups: Sequence[tuple[Handler, Sequence[Message]]], *, ask_seen: bool
) -> dict[str, bool]:
    """Notes the messages that each handler is about to handle. Returns the ids that it has not handled before."""
    fresh = {
        f"{handler.name}:{message.id}": True
        for handler, group in groups
        if isinstance(handler, OnceHandler)
        for message in group
        if message.type in handler.types
    }
    if ask_seen and fresh:
        for row in uow.find(SEEN, {"_id": {"$in": list(fresh)}}, projection={"_id": 1}):
            del fresh[row["_id"]]
    uow.write(SEEN, *(InsertOne({"_id": identifier, "at": uow.now}) for identifier in fresh))
    if not ask_seen and fresh:
        # Flushed at once: later, a duplicate key of a handler's own could not be told from a message seen before.
        try:
            uow.flush()
        except PyMongoError as error:
            if DUPLICATE_KEY in codes_of(error) and f".{SEEN} " in str(error):
                raise SeenBefore from error
            raise
    return fresh

"""One unit of work: everything that a command, or a batch of messages, changes in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo import InsertOne, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.database import Database as MongoDatabase
from pymongo.errors import PyMongoError

from shared.cause import Cause
from shared.errors import NotFound, Stale
from shared.ids import new_id
from shared.messaging.messages import HEADERS, encode
from shared.mongo.aggregates import Aggregate, Document
from shared.schemas import instant_text

OUTBOX = "outbox"
HISTORY = "history"
IF_MATCH_ANY = -1


class WriteRace(PyMongoError):
    """Somebody else changed a document between its reading and its saving: the work is done again."""

    def __init__(self, collection: str) -> None:
        super().__init__(f"a document in {collection} was changed meanwhile", ["TransientTransactionError"])


@dataclass(kw_only=True)
class Pending:
    """Writes that wait for the next flush, by collection."""

    operations: dict[str, list[Any]] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
    aggregates: dict[str, Aggregate] = field(default_factory=dict)

    def add(self, collection: str, operation: Any) -> None:
        self.operations.setdefault(collection, []).append(operation)


class UnitOfWork:
    """Reads and writes inside one transaction, for one cause.

    Every change to an aggregate goes with its message (into the outbox) and its history row, so none
    can be forgotten. Writes are gathered and sent in bulk: before the next read, and at the end.
    """

    def __init__(
        self,
        db: MongoDatabase[Document],
        session: ClientSession,
        *,
        cause: Cause,
        now: datetime,
        pending: Pending | None = None,
    ) -> None:
        self.db = db
        self.session = session
        self.cause = cause
        self.now = now
        self._pending = pending or Pending()

    def due_to(self, cause: Cause) -> "UnitOfWork":
        """The same transaction, for changes with another cause."""
        return UnitOfWork(self.db, self.session, cause=cause, now=self.now, pending=self._pending)

    # Reading

    def get(self, aggregate: Aggregate, identifier: str, *, if_match: int | None = None) -> Document:
        """The document as it is now. Raises NotFound; Stale when `if_match` is another version."""
        document = self.find_one(aggregate.collection, {"_id": identifier})
        if document is None:
            raise NotFound(aggregate.name, identifier)
        if if_match is not None and if_match not in (IF_MATCH_ANY, document["version"]):
            raise Stale(
                f"You hold version {if_match}, but it is at version {document['version']} now. "
                "Get it again and repeat your change on it."
            )
        return document

    def find_one(self, collection: str, query: Mapping[str, Any], **options: Any) -> Document | None:
        """The first document that fits, with this work's own writes seen."""
        self.flush()
        return self.db[collection].find_one(query, session=self.session, **options)

    def find(self, collection: str, query: Mapping[str, Any], **options: Any) -> list[Document]:
        """All documents that fit, with this work's own writes seen."""
        self.flush()
        return list(self.db[collection].find(query, session=self.session, **options))

    def find_and_update(
        self, collection: str, query: Mapping[str, Any], update: Any, **options: Any
    ) -> Document | None:
        """MongoDB's findOneAndUpdate at once: what conditional counters (seats, say) are made of."""
        self.flush()
        result: Document | None = self.db[collection].find_one_and_update(
            query, update, session=self.session, **options
        )
        return result

    # Writing

    def insert(
        self,
        aggregate: Aggregate,
        document: Document,
        type: str,
        *,
        change: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> Document:
        """A new aggregate at version 1 with its message `type` (without the prefix `fi.uso.`)."""
        made = {
            **document,
            "_id": document.get("_id") or new_id(),
            "version": 1,
            "created_at": self.now,
            "updated_at": self.now,
        }
        self._pending.add(aggregate.collection, InsertOne(made))
        self._record_change(aggregate, made, type, dict(change or {}), reason)
        return made

    def save(
        self,
        aggregate: Aggregate,
        before: Document,
        changes: Mapping[str, Any],
        type: str,
        *,
        change: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> Document:
        """The aggregate with `changes`, one version on, with its message.

        The message's `change` gets `changed`: field → {from, to} in the public shape. The write fails
        (and the work starts over) when somebody else saved it since `before` was read.
        """
        after = {**before, **changes, "version": before["version"] + 1, "updated_at": self.now}
        self._pending.add(aggregate.collection, ReplaceOne({"_id": before["_id"], "version": before["version"]}, after))
        self._pending.replaced[aggregate.collection] = self._pending.replaced.get(aggregate.collection, 0) + 1
        told = {**(change or {}), "changed": aggregate.changed(before, after)}
        self._record_change(aggregate, after, type, told, reason)
        return after

    def write(self, collection: str, *operations: Any) -> None:
        """pymongo's bulk operations on a collection that holds no aggregate."""
        for operation in operations:
            self._pending.add(collection, operation)

    def publish(
        self,
        *,
        topic: str,
        key: str | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes]] = HEADERS,
        sequence: int = 0,
        message_id: str | None = None,
    ) -> None:
        """A record for the relay to carry; `value` None is a tombstone."""
        self._pending.add(
            OUTBOX,
            InsertOne(
                {
                    "_id": message_id or new_id(),
                    "topic": topic,
                    "key": key,
                    "value": value,
                    "headers": [list(header) for header in headers],
                    "sequence": sequence,
                    "at": self.now,
                }
            ),
        )

    def _record_change(
        self, aggregate: Aggregate, document: Document, type: str, change: dict[str, Any], reason: str | None
    ) -> None:
        self._pending.aggregates[aggregate.collection] = aggregate
        if reason:
            change = {**change, "reason": reason}
        message_id = new_id()
        self._pending.add(
            HISTORY,
            InsertOne(
                {
                    "_id": message_id,
                    "kind": aggregate.name,
                    "of": document["_id"],
                    "version": document["version"],
                    "at": self.now,
                    "by": self.cause.actor,
                    "type": type,
                    "change": change,
                    "correlation_id": self.cause.correlation_id,
                    "causation_id": self.cause.causation_id,
                }
            ),
        )
        if aggregate.topic is None:
            return
        if type not in aggregate.messages:
            raise LookupError(f"{type} is not among the messages of {aggregate.name}")
        key = aggregate.key(document)
        value = encode(
            message_id=message_id,
            source=aggregate.source,
            type=type,
            subject=key,
            time=instant_text(self.now),
            sequence=document["version"],
            state=aggregate.to_public(document),
            change=change,
            cause=self.cause,
        )
        self.publish(topic=aggregate.topic, key=key, value=value, sequence=document["version"], message_id=message_id)

    def flush(self) -> None:
        """Sends what waits, the outbox last. Raises WriteRace when a save met another version."""
        if not self._pending.operations:
            return
        operations, self._pending.operations = self._pending.operations, {}
        replaced, self._pending.replaced = self._pending.replaced, {}
        outbox = operations.pop(OUTBOX, [])
        for collection, group in [*operations.items(), (OUTBOX, outbox)]:
            if group:
                self._send(collection, group, replaced.get(collection, 0))

    def _send(self, collection: str, group: Sequence[Any], replaced: int) -> None:
        if len(group) == 1 and isinstance(group[0], InsertOne):
            self.db[collection].insert_one(group[0]._doc, session=self.session)
            return
        result = self.db[collection].bulk_write(group, session=self.session, ordered=True)
        if replaced and result.matched_count < replaced:
            raise WriteRace(collection)

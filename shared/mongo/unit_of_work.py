"""A unit of work: all changes of a command, or of a batch of messages, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo import InsertOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database as MongoDatabase
from pymongo.errors import PyMongoError

from shared.cause import Cause
from shared.errors import NotFound, Stale
from shared.ids import new_id
from shared.mongo.aggregates import Aggregate, D, Document
from shared.mongo.errors import DUPLICATE_KEY, WRITE_CONFLICT, WriteRace, codes_of
from shared.mongo.idempotency import KeyInUse, is_key_row
from shared.mongo.journal import JOURNAL, change_in, journal_row, record_row

# The number of changes that a 412 lists: more than a person reads, less than an answer may hold.
CHANGES_SHOWN = 100


@dataclass(frozen=True, kw_only=True)
class IfMatch:
    """The versions that a caller's `If-Match` names for the resource `of`; none: any version that exists."""

    of: str
    versions: frozenset[int]


@dataclass(kw_only=True)
class Pending:
    """Writes that wait for the next flush, by collection."""

    operations: dict[str, list[Any]] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)

    def add(self, collection: str, operation: Any) -> None:
        self.operations.setdefault(collection, []).append(operation)


class UnitOfWork:
    """Reads and writes inside one transaction, for one cause.

    Every change of an aggregate goes with its journal row (history and message), so neither can be
    forgotten. Writes are gathered and sent in bulk: before the next read, and at the end.
    """

    def __init__(
        self,
        db: MongoDatabase[Document],
        session: ClientSession,
        *,
        cause: Cause,
        now: datetime,
        if_match: IfMatch | None = None,
        pending: Pending | None = None,
    ) -> None:
        self.db = db
        self.session = session
        self.cause = cause
        self.now = now
        self._if_match = if_match
        self._pending = pending or Pending()

    def due_to(self, cause: Cause) -> "UnitOfWork":
        """The same transaction, for changes with another cause."""
        return UnitOfWork(self.db, self.session, cause=cause, now=self.now, pending=self._pending)

    # Reading

    def get(self, aggregate: Aggregate[D], identifier: str) -> D:
        """The document as it is now.

        Raises NotFound; Stale when the caller's `If-Match` speaks of this resource and names other versions.
        """
        document: Any = self.find_one(aggregate.collection, {"_id": identifier})
        if document is None:
            raise NotFound(aggregate.name, identifier)
        self.check_version(aggregate, document)
        found: D = document
        return found

    def check_version(self, aggregate: Aggregate[Any], document: Mapping[str, Any]) -> None:
        """Raises Stale when `If-Match` speaks of this document's id and names other versions; asks once."""
        expected = self._if_match
        if expected is None or expected.of != document["_id"]:
            return
        self._if_match = None  # the first document of that id is the resource; a second aggregate may share the id
        if expected.versions and document["version"] not in expected.versions:
            held = max(expected.versions)
            raise Stale(
                f"You hold version {held}, but it is at version {document['version']} now. "
                "Get it again and repeat your change on it.",
                changed_since=self._changes_since(aggregate, document["_id"], held),
            )

    def _changes_since(self, aggregate: Aggregate[Any], identifier: str, version: int) -> list[dict[str, Any]]:
        query = {"of": identifier, "kind": aggregate.name, "version": {"$gt": version}}
        rows = self.find(JOURNAL, query, sort=[("_id", -1)], limit=CHANGES_SHOWN)
        return [
            {"field": name, **values, "by": row["by"], "at": row["at"].isoformat().replace("+00:00", "Z")}
            for row in reversed(rows)
            for name, values in change_in(row).get("changed", {}).items()
        ]

    def find_one(self, collection: str, query: Mapping[str, Any], **options: Any) -> Document | None:
        """The first document that fits. It sees this unit's own writes."""
        self.flush()
        return self.db[collection].find_one(query, session=self.session, **options)

    def find(self, collection: str, query: Mapping[str, Any], **options: Any) -> list[Document]:
        """All documents that fit. It sees this unit's own writes."""
        self.flush()
        return list(self.db[collection].find(query, session=self.session, **options))

    def find_all(self, aggregate: Aggregate[D], query: Mapping[str, Any], **options: Any) -> list[D]:
        """The aggregate's documents that fit. It sees this unit's own writes."""
        found: Any = self.find(aggregate.collection, query, **options)
        documents: list[D] = found
        return documents

    def find_and_update(
        self, collection: str, query: Mapping[str, Any], update: Any, **options: Any
    ) -> Document | None:
        """MongoDB's findOneAndUpdate, at once: for conditional counters such as an event's seats."""
        self.flush()
        result: Document | None = self.db[collection].find_one_and_update(
            query, update, session=self.session, **options
        )
        return result

    # Writing

    def insert(
        self,
        aggregate: Aggregate[D],
        document: Mapping[str, Any],
        type: str,
        *,
        change: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> D:
        """A new aggregate at version 1 with its message `type` (without the prefix `fi.uso.`)."""
        made: Any = {
            **document,
            "_id": document.get("_id") or new_id(),
            "version": 1,
            "created_at": self.now,
            "updated_at": self.now,
        }
        self._pending.add(aggregate.collection, InsertOne(made))
        self._record_change(aggregate, made, type, dict(change or {}), reason, state=aggregate.to_public(made))
        inserted: D = made
        return inserted

    def save(
        self,
        aggregate: Aggregate[D],
        before: D,
        changes: Mapping[str, Any],
        type: str,
        *,
        change: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> D:
        """The aggregate with `changes`, one version on, with its message.

        The message's `change` gets `changed`: field → {from, to} in the public shape. Changes that change
        nothing make no version and no message. The write fails, and the work starts over, when another
        transaction saved the document after `before` was read.
        """
        if all(name in before and before[name] == value for name, value in changes.items()):
            return before
        after: Any = {**before, **changes, "version": before["version"] + 1, "updated_at": self.now}
        written = {**changes, "version": after["version"], "updated_at": self.now}
        save = UpdateOne({"_id": before["_id"], "version": before["version"]}, {"$set": written})
        self._pending.add(aggregate.collection, save)
        self._pending.replaced[aggregate.collection] = self._pending.replaced.get(aggregate.collection, 0) + 1
        state = aggregate.to_public(after)
        changed = {**(change or {}), "changed": aggregate.changed(aggregate.to_public(before), state)}
        self._record_change(aggregate, after, type, changed, reason, state=state)
        saved: D = after
        return saved

    def transition(
        self,
        aggregate: Aggregate[D],
        before: D,
        to: str,
        *,
        reason: str | None = None,
        changes: Mapping[str, Any] | None = None,
    ) -> D:
        """The aggregate in the state `to` (with further `changes`), and its message `<noun>.transitioned`.

        Raises IllegalTransition, Invalid or Forbidden as its state machine says.
        """
        if aggregate.lifecycle is None:
            raise LookupError(f"{aggregate.name} has no state machine")
        # A rule of ours acts without a person: its actor has no roles and needs none.
        aggregate.lifecycle.check(before["state"], to, reason=reason, roles=self.cause.roles or None)
        type = next(name for name in aggregate.message_types if name.endswith(".transitioned"))
        change = {"from": before["state"], "to": to}
        return self.save(aggregate, before, {**(changes or {}), "state": to}, type, change=change, reason=reason)

    def write(self, collection: str, *operations: Any) -> None:
        """pymongo's bulk operations on a collection that holds no aggregate."""
        for operation in operations:
            self._pending.add(collection, operation)

    def publish(self, *, topic: str, key: str | None, value: bytes | None, **options: Any) -> None:
        """A record for the relay to carry; `value` None is a tombstone. `options` are those of `record_row`."""
        row = record_row(topic=topic, key=key, value=value, now=self.now, **options)
        self._pending.add(JOURNAL, InsertOne(row))

    def _record_change(
        self,
        aggregate: Aggregate[Any],
        document: Mapping[str, Any],
        type: str,
        change: dict[str, Any],
        reason: str | None,
        *,
        state: Mapping[str, Any],
    ) -> None:
        if reason:
            change = {**change, "reason": reason}
        row = journal_row(aggregate, document, type, change, state=state, cause=self.cause, now=self.now)
        self._pending.add(JOURNAL, InsertOne(row))

    def flush(self) -> None:
        """Sends the gathered writes.

        The aggregates go before the journal: a duplicate of a unique field is then the aggregate's own error. The
        row of an Idempotency-Key is in the journal, and would otherwise hide that error.

        Raises WriteRace when a save met another version, KeyInUse for a key's row.
        """
        if not self._pending.operations:
            return
        operations, self._pending.operations = self._pending.operations, {}
        replaced, self._pending.replaced = self._pending.replaced, {}
        journal = operations.pop(JOURNAL, [])
        for collection, group in operations.items():
            self._send(collection, group, replaced.get(collection, 0))
        if journal:
            self._send_journal(journal)

    def _send(self, collection: str, group: Sequence[Any], replaced: int) -> None:
        if len(group) == 1 and isinstance(group[0], InsertOne):
            self.db[collection].insert_one(group[0]._doc, session=self.session)
            return
        result = self.db[collection].bulk_write(group, session=self.session, ordered=True)
        if replaced and result.matched_count < replaced:
            raise WriteRace(collection)

    def _send_journal(self, group: Sequence[Any]) -> None:
        """Rows of changes have new ids, so only an Idempotency-Key's row can meet an existing row."""
        try:
            self._send(JOURNAL, group, 0)
        except PyMongoError as error:
            # Without a key's row the conflict is MongoDB's own (a full cache, say), and the transaction runs again.
            if codes_of(error) & {DUPLICATE_KEY, WRITE_CONFLICT} and any(is_key_row(each) for each in group):
                raise KeyInUse from error
            raise

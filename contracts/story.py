"""Makes the examples as a transaction records its changes, with ids and instants that never change."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from shared.cause import Cause
from shared.cloudevents import encode
from shared.instants import instant_text
from shared.mongo.aggregates import Aggregate, Document

Json = dict[str, Any]

FIRST_DAY = datetime(2022, 11, 7, 8, tzinfo=UTC)
CHAPTER = 1_000_000


class Story:
    """The messages so far, by type: the last message of each type.

    Each noun has a chapter: a range of ids and a day of its own. So a new example changes nothing outside its chapter.
    Within a chapter each change is an hour after the one before.
    """

    def __init__(self) -> None:
        self.messages: dict[str, Json] = {}
        self._last: Json = {}
        self.begin(0)

    def begin(self, chapter: int) -> None:
        """Begins the chapter of a noun: ids from `chapter` million on, instants from `chapter` days on."""
        self._numbers = count(chapter * CHAPTER + 1)
        self._now = FIRST_DAY + timedelta(days=chapter)

    def new_id(self) -> str:
        """The chapter's next id: a UUIDv7, the same in each run."""
        return f"01850000-0000-7000-8000-{next(self._numbers):012d}"

    @property
    def now(self) -> datetime:
        return self._now

    def made(
        self, aggregate: Aggregate[Any], type: str, fields: Document, *, change: Mapping[str, Any] | None = None
    ) -> Document:
        """A new document, and its message."""
        self._now += timedelta(hours=1)
        given = {"_id": self.new_id()} if "_id" not in fields else {}
        document = {**given, **fields, "version": 1, "created_at": self._now, "updated_at": self._now}
        self._record_change(aggregate, document, type, dict(change or {}))
        return document

    def changed(
        self,
        aggregate: Aggregate[Any],
        before: Document,
        type: str,
        fields: Document,
        *,
        follows: bool = False,
        **change: Any,
    ) -> Document:
        """The document's next version, and its message. With `follows` the message before is the cause."""
        self._now += timedelta(hours=1)
        after = {**before, **fields, "version": before["version"] + 1, "updated_at": self._now}
        changed = aggregate.changed(aggregate.to_public(before), aggregate.to_public(after))
        self._record_change(aggregate, after, type, {**change, "changed": changed}, follows=follows)
        return after

    def moved(
        self, aggregate: Aggregate[Any], before: Document, type: str, to: str, *, follows: bool = False, **fields: Any
    ) -> Document:
        """A transition to another state."""
        step = {"from": before["state"], "to": to}
        return self.changed(aggregate, before, type, {**fields, "state": to}, follows=follows, **step)

    def _record_change(
        self, aggregate: Aggregate[Any], document: Document, type: str, change: Json, *, follows: bool = False
    ) -> None:
        identifier = self.new_id()
        cause = Cause(
            actor="maija.coordinator",
            correlation_id=self._last["correlationid"] if follows else f"request-{int(identifier[-12:])}",
            causation_id=self._last["id"] if follows else None,
            traceparent=f"00-4bf92f3577b34da6a3ce929d{identifier[-8:]}-00f067aa{identifier[-8:]}-01",
        )
        value = encode(
            message_id=identifier,
            source=aggregate.source,
            type=type,
            subject=str(document["_id"]),
            time=instant_text(self._now),
            sequence=document["version"],
            state=aggregate.to_public(document),
            change=change,
            cause=cause,
        )
        self._last = json.loads(value)
        self.messages[self._last["type"]] = self._last

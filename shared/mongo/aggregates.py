"""What a service owns: an aggregate is one document with a version, one public shape, one topic."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from marshmallow import Schema
from pymongo import IndexModel

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """Names and shapes of one kind of document.

    Documents have `_id` (UUIDv7), `version`, `created_at`, `updated_at` and their own fields.
    `schema` makes the public shape: the GET's answer and the message's `state`.
    `key` gives the Kafka key (the id unless told otherwise). A unique index is named after what it
    says; `duplicates` maps an index's name to the sentence that the caller gets when it is violated.
    `long` fields grow with time, and are left out of `changed` in history and messages.
    `messages` are the types that it tells (without the prefix `fi.uso.`), each with the schema of its
    `data.change`; a change of another type is refused. `topic` None: changes are kept in the history
    and told to nobody.
    """

    name: str
    collection: str
    source: str
    schema: Callable[[], Schema]
    topic: str | None = None
    messages: Mapping[str, type[Schema]] = field(default_factory=dict)
    indexes: Sequence[IndexModel] = ()
    omit_from_changes: frozenset[str] = frozenset()
    conflict_messages: Mapping[str, str] = field(default_factory=dict)
    key: Callable[[Document], str] = lambda document: str(document["_id"])

    @cached_property
    def _shape(self) -> Schema:
        return self.schema()

    def to_public(self, document: Document) -> dict[str, Any]:
        """The document in its public shape, ready for JSON."""
        shown: dict[str, Any] = self._shape.dump(document)
        return shown

    def changed(self, before: Document, after: Document) -> dict[str, Any]:
        """The fields of the public shape that differ, without `long` ones: name → {from, to}."""
        was, now = self.to_public(before), self.to_public(after)
        untold = {"version", "updated_at", *self.omit_from_changes}
        return {
            name: {"from": was.get(name), "to": now.get(name)}
            for name in sorted((was.keys() | now.keys()) - untold)
            if was.get(name) != now.get(name)
        }

"""An aggregate: one document with a version, one public shape, one topic."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar

from marshmallow import Schema
from pymongo import IndexModel

from shared.state_machine import StateMachine

Document = dict[str, Any]
D = TypeVar("D", bound=Mapping[str, Any])
D_co = TypeVar("D_co", bound=Mapping[str, Any], covariant=True)

# The law sets no term for a network's records; ten years cover five seasons and the term for bookkeeping
# (kirjanpitolaki 1336/1997, 2:10 §), since workshop days are invoiced.
KEPT_FOR = timedelta(days=3653)


@dataclass(frozen=True, kw_only=True)
class Aggregate(Generic[D_co]):
    """The names and shapes of one kind of document; `D_co` is its TypedDict.

    Documents have `_id` (UUIDv7), `version`, `created_at`, `updated_at` and their own fields.
    `schema` makes the public shape: the GET's answer and the message's `state`.
    `key` gives the Kafka key (the id unless told otherwise). A unique index is named after its rule;
    `conflict_messages` maps an index's name to the sentence that the caller gets when it is violated.
    `omit_from_changes` are fields that grow with time: they are left out of `changed` in history and messages.
    `message_types` are the types that it publishes (without the prefix `fi.uso.`), each with the schema of its
    `data.change`; a change of another type is refused. `topic` None: changes are kept in the journal
    and published nowhere. `lifecycle` is its state machine, `history_kept_for` the time that its journal rows stay.
    """

    name: str
    collection: str
    source: str
    schema: Callable[[], Schema]
    topic: str | None = None
    message_types: Mapping[str, type[Schema]] = field(default_factory=dict)
    indexes: Sequence[IndexModel] = ()
    omit_from_changes: frozenset[str] = frozenset()
    conflict_messages: Mapping[str, str] = field(default_factory=dict)
    key: Callable[[Mapping[str, Any]], str] = lambda document: str(document["_id"])
    lifecycle: StateMachine | None = None
    history_kept_for: timedelta = KEPT_FOR

    @cached_property
    def _shape(self) -> Schema:
        return self.schema()

    def to_public(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document in its public shape, ready for JSON."""
        shown: dict[str, Any] = self._shape.dump(document)
        return shown

    def changed(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of two public shapes that differ, without `omit_from_changes`: name → {from, to}."""
        omitted = {"version", "updated_at", *self.omit_from_changes}
        return {
            name: {"from": before.get(name), "to": after.get(name)}
            for name in sorted((before.keys() | after.keys()) - omitted)
            if before.get(name) != after.get(name)
        }

"""A message: a CloudEvents 1.0 JSON document in structured mode."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from shared.cause import Cause
from shared.cloudevents import TYPE_PREFIX
from shared.messaging.records import Record

# Above every version, so that no later message overwrites a tombstone. It is also the largest integer up to which
# all integers are exact in a double: other languages' JSON may have only doubles.
TOMBSTONE_SEQUENCE = 2**53
OWNER = re.compile(r"uso\.(?P<service>[a-z0-9]+)\.")


class Undecodable(Exception):
    """A record that is no message as this module describes it; the text gives the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One message as a handler sees it.

    `type` stands without the prefix `fi.uso.`; `sequence` is the aggregate's version; `state` is the
    aggregate as its GET shows it, None in a tombstone (then `type` is `tombstone`); `change` says what
    happened. `topic`, `partition` and `offset` are the record's. A `republished` message
    is for projections alone: policies have handled it, or may have.
    """

    id: str
    type: str
    key: str
    sequence: int
    state: Mapping[str, Any] | None
    change: Mapping[str, Any] = field(default_factory=dict)
    time: str = ""
    actor: str = ""
    correlation_id: str = ""
    causation_id: str | None = None
    traceparent: str | None = None
    republished: bool = False
    topic: str = ""
    partition: int = 0
    offset: int = 0

    @property
    def cause(self) -> Cause:
        """The cause of the changes that follow from this message."""
        return Cause(
            actor=self.actor,
            correlation_id=self.correlation_id or self.id,
            causation_id=self.id,
            traceparent=self.traceparent,
        )


def message_of(record: Record) -> Message:
    """The record decoded. Raises Undecodable."""
    return decode(record.value, key=record.key, topic=record.topic, partition=record.partition, offset=record.offset)


def decode(value: bytes | None, *, key: bytes | None, topic: str = "", partition: int = 0, offset: int = 0) -> Message:
    """Reads one record. Unknown members are ignored: schemas grow.

    Raises Undecodable when it is no CloudEvents document with a state, comes from another service than the topic's
    owner, or has no sequence that can be compared.
    """
    location: dict[str, Any] = {"topic": topic, "partition": partition, "offset": offset}
    name = (key or b"").decode(errors="replace")
    if value is None:
        return Message(
            id=f"{topic}/{partition}/{offset}",
            type="tombstone",
            key=name,
            sequence=TOMBSTONE_SEQUENCE,
            state=None,
            **location,
        )
    try:
        document = json.loads(value)
        data = document["data"]
        state, change = data["state"], data.get("change") or {}
        if not isinstance(state, dict) or not isinstance(change, dict):
            raise Undecodable("`data.state` and `data.change` must be JSON objects.")
        if document.get("source", owner := owner_of(topic)) != owner and owner is not None:
            raise Undecodable("`source` must be the service that owns the topic.")
        return Message(
            id=str(document["id"]),
            type=str(document["type"]).removeprefix(TYPE_PREFIX),
            key=name or str(document.get("subject", "")),
            sequence=_sequence(document["sequence"]),
            state=state,
            change=change,
            time=str(document.get("time", "")),
            actor=str(document.get("actor", "")),
            correlation_id=str(document.get("correlationid", "")),
            causation_id=document.get("causationid"),
            traceparent=document.get("traceparent"),
            republished=document.get("republished") is True,
            **location,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise Undecodable(f"Not a CloudEvents document with `data.state`: {type(error).__name__}.") from error


@cache
def owner_of(topic: str) -> str | None:
    """The `source` of the only service that writes to the topic; None for a foreign topic."""
    named = OWNER.match(topic)
    return f"/uso/{named['service']}" if named else None


def _sequence(value: object) -> int:
    """Raises Undecodable for a sequence that is no integer from 1 to below that of a tombstone."""
    if type(value) is not int or not 1 <= value < TOMBSTONE_SEQUENCE:
        raise Undecodable("`sequence` must be an integer from 1 to 2^53.")
    return value

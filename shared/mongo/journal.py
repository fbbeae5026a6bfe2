"""The journal: a row for each change. The row is both the history entry and the message.

The relay follows the journal's inserts and sends the rows that have a `topic`; `GET …/history` and "as it was"
read it by aggregate. Rows of Idempotency-Keys stand in it too, so that a transaction writes them all at once.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from pymongo import IndexModel

from shared.cause import Cause
from shared.cloudevents import HEADERS, MESSAGE_LIMIT_BYTES, RECORD_LIMIT_BYTES, encode
from shared.errors import Conflict
from shared.ids import new_id
from shared.instants import instant_text
from shared.mongo.aggregates import Aggregate, Document

JOURNAL = "journal"
# Tombstones and dead letters are no history. A dead letter may hold personal data; its topic keeps it as long.
RECORDS_KEPT_FOR = timedelta(days=30)
# More slots than a service will ever have relays, so that several relays could share them out.
SLOTS = 64
# Fields that a history entry shows beside its change.
OF_EACH_RESOURCE = frozenset({"id", "version", "created_at", "updated_at"})

JOURNAL_INDEXES: Sequence[IndexModel] = [
    IndexModel("expires_at", name="ttl", expireAfterSeconds=0),
    IndexModel([("of", 1), ("_id", -1)], name="of", partialFilterExpression={"of": {"$type": "string"}}),
]


class MessageTooLarge(Conflict):
    """The message of a change would be larger than subscribers may expect, or than Kafka takes."""

    def __init__(self, name: str, size: int, limit: int) -> None:
        super().__init__(
            f"With this change the message about {name} would have {size:,} bytes; {limit:,} is the limit. "
            "Shorten its texts."
        )


def slot_of(key: str | None) -> int:
    """The slot of a Kafka key, 0 to 63. All rows of a key are in the same slot."""
    return crc32((key or "").encode()) % SLOTS


def journal_row(
    aggregate: Aggregate[Any],
    document: Mapping[str, Any],
    type: str,
    change: Mapping[str, Any],
    *,
    state: Mapping[str, Any],
    cause: Cause,
    now: datetime,
) -> Document:
    """The row of one change of an aggregate, its message encoded in `value`.

    Raises LookupError when the aggregate does not publish messages of this type, MessageTooLarge when the message has
    more than a megabyte.
    """
    if aggregate.topic is not None and type not in aggregate.message_types:
        raise LookupError(f"{type} is not among the messages of {aggregate.name}")
    message_id, key = new_id(), aggregate.key(document)
    value = encode(
        message_id=message_id,
        source=aggregate.source,
        type=type,
        subject=key,
        time=instant_text(now),
        sequence=document["version"],
        state=state,
        change=change,
        cause=cause,
    )
    row: Document = {
        "_id": message_id,
        "kind": aggregate.name,
        "of": document["_id"],
        "version": document["version"],
        "type": type,
        "at": now,
        "by": cause.actor,
        "correlation_id": cause.correlation_id,
        "causation_id": cause.causation_id,
        "value": value,
        "expires_at": now + aggregate.history_kept_for,
    }
    if aggregate.topic is None:
        return row
    if len(value) > MESSAGE_LIMIT_BYTES:
        raise MessageTooLarge(aggregate.name, len(value), MESSAGE_LIMIT_BYTES)
    return {**row, **_routing(aggregate.topic, key, document["version"])}


def record_row(
    *,
    topic: str,
    key: str | None,
    value: bytes | None,
    now: datetime,
    headers: Sequence[tuple[str, bytes]] = HEADERS,
    sequence: int = 0,
    message_id: str | None = None,
) -> Document:
    """The row of a record that is no change of an aggregate: a dead letter, or (`value` None) a tombstone.

    Raises MessageTooLarge for a record that Kafka would refuse: such a row would block the relay.
    """
    size = len(value or b"") + sum(len(name) + len(content) for name, content in headers)
    if size > RECORD_LIMIT_BYTES:
        raise MessageTooLarge(topic, size, RECORD_LIMIT_BYTES)
    routing = _routing(topic, key, sequence, headers)
    return {"_id": message_id or new_id(), "at": now, "value": value, "expires_at": now + RECORDS_KEPT_FOR, **routing}


def _routing(
    topic: str, key: str | None, sequence: int, headers: Sequence[tuple[str, bytes]] = HEADERS
) -> dict[str, Any]:
    return {
        "topic": topic,
        "key": key,
        "headers": [list(header) for header in headers],
        "sequence": sequence,
        "slot": slot_of(key),
    }


def state_in(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The aggregate's public state after the row's change; None when the row was scrubbed."""
    return _data(row).get("state")


def change_in(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row's change; a creation's change has each given field. Empty when the row was scrubbed."""
    data = _data(row)
    change: dict[str, Any] = data.get("change") or {}
    if row.get("version") != 1 or "state" not in data:
        return change
    first = {name: value for name, value in data["state"].items() if value is not None and name not in OF_EACH_RESOURCE}
    return {**change, "changed": {name: {"from": None, "to": value} for name, value in sorted(first.items())}}


def _data(row: Mapping[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(row["value"])["data"] if row.get("value") else {}
    return data

"""Spans of messages: on their way to a topic, and handled by a group. Ids and types, nothing of their content."""

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from opentelemetry.trace import SpanKind

from shared.messaging.messages import Message
from shared.mongo.aggregates import Document
from shared.telemetry.spans import SPANS


def record_relayed(rows: Iterable[Document]) -> None:
    """From the commit in MongoDB to the commit in Kafka, for each row with a trace."""
    if not SPANS.are_wanted:
        return
    for row in rows:
        if parent := traceparent_of(row.get("value")):
            attributes = {"messaging.system": "kafka", "messaging.message.id": row["_id"]}
            SPANS.record(
                f"publish {row['topic']}",
                kind=SpanKind.PRODUCER,
                began_at=row["at"],
                parent=parent,
                attributes=attributes,
            )


def record_handled(group: str, messages: Iterable[Message], began_at: float) -> None:
    """From the beginning of the batch's transaction to its commit."""
    if not SPANS.are_wanted:
        return
    for message in messages:
        if message.traceparent:
            attributes = {
                "messaging.system": "kafka",
                "messaging.message.id": message.id,
                "messaging.consumer.group.name": group,
            }
            SPANS.record(
                f"process {message.topic}",
                kind=SpanKind.CONSUMER,
                began_at=began_at,
                parent=message.traceparent,
                attributes=attributes,
            )


def traceparent_of(value: Any) -> str | None:
    """The trace that a message in the journal belongs to; None for a tombstone and for what is no message."""
    with suppress(ValueError, TypeError, AttributeError):
        found = json.loads(value).get("traceparent")
        return found if isinstance(found, str) else None
    return None

"""The envelope of every message: a CloudEvents 1.0 JSON document in structured mode."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.cause import Cause

CONTENT_TYPE = "application/cloudevents+json"
HEADERS: Sequence[tuple[str, bytes]] = (("content-type", CONTENT_TYPE.encode()),)
# Subscribers may rely on this limit: a change whose message would be larger is refused.
MESSAGE_LIMIT_BYTES = 1_000_000
# The limit of our topics in Kafka, and the limit of a record: the difference is room for the bytes that Kafka adds.
MAX_MESSAGE_BYTES = 8_000_000
RECORD_LIMIT_BYTES = 7_900_000
TYPE_PREFIX = "fi.uso."
SCHEMA_BASE = "https://schemas.uso.example"


def encode(
    *,
    message_id: str,
    source: str,
    type: str,
    subject: str,
    time: str,
    sequence: int,
    state: Mapping[str, Any],
    change: Mapping[str, Any],
    cause: Cause,
) -> bytes:
    """The message's bytes as they stand in the journal and on the topic. `type` is without the prefix."""
    document = {
        "specversion": "1.0",
        "id": message_id,
        "source": source,
        "type": TYPE_PREFIX + type,
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "dataschema": f"{SCHEMA_BASE}/{TYPE_PREFIX}{type}/v1.json",
        "sequence": sequence,
        "actor": cause.actor,
        "correlationid": cause.correlation_id,
        "data": {"state": state, "change": change},
    }
    if cause.causation_id:
        document["causationid"] = cause.causation_id
    if cause.traceparent:
        document["traceparent"] = cause.traceparent
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

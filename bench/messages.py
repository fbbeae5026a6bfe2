"""Messages as the system sends them, for topics and outboxes of the measurements."""

from collections.abc import Iterator
from typing import Any

from shared.cause import Cause
from shared.cloudevents import encode
from shared.ids import new_id

CAUSE = Cause(actor="bench", correlation_id=new_id(), traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01")


def state(identifier: str, version: int) -> dict[str, Any]:
    """An organisation's public shape."""
    return {
        "id": identifier,
        "version": version,
        "created_at": "2022-12-01T12:00:00Z",
        "updated_at": "2022-12-01T12:00:00Z",
        "kind": "municipality",
        "name": {"fi": "Uudistuva kunta", "sv": "Förnyande kommun"},
        "languages": ["fi", "sv"],
        "population": 12345,
    }


def things(count: int, *, keys: int) -> Iterator[tuple[str, int, bytes]]:
    """`count` messages about `keys` things, each thing's versions in order: key, version, value (700 bytes)."""
    ids = [new_id() for _ in range(keys)]
    for number in range(count):
        identifier, version = ids[number % keys], number // keys + 1
        value = encode(
            message_id=new_id(),
            source="/uso/bench",
            type="thing.updated",
            subject=identifier,
            time="2022-12-01T12:00:00Z",
            sequence=version,
            state=state(identifier, version),
            change={"changed": {"population": {"from": 12344, "to": 12345}}},
            cause=CAUSE,
        )
        yield identifier, version, value


def records(count: int, *, keys: int) -> list[tuple[bytes, bytes]]:
    """The same as Kafka's keys and values."""
    return [(key.encode(), value) for key, _, value in things(count, keys=keys)]

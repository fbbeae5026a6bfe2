"""Messages that nobody of ours would send: the contract's examples, each damaged at one place, and rubbish."""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts import SERVICES
from contracts.shapes import message_types
from shared.service import Service

EXAMPLES = Path(__file__).parents[2] / "contracts" / "published" / "examples"
EXAMPLES_IDS = "01850000-"
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**53,
    2**63,
    1e308,
    "",
    "\x00",
    "\ud800",
    "$where",
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "x" * 70_000,
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999+14:00",
    "2022-13-45T99:99:99Z",
    [],
    [None],
    ["x", {"id": 1}],
    {},
    {"$set": {"state": "x"}},
    {"a.b": 1, "": 2, "\x00": 3},
)
RUBBISH: tuple[bytes | None, ...] = (
    b"",
    b"\xff\xfe not JSON",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b"[" * 100_000,
    b'{"data": {"state": NaN}}',
    b'{"id": "x", "type": "fi.uso.y", "sequence": 1e400, "data": {"state": {}}}',
    None,
)
KEYS: tuple[bytes | None, ...] = (None, b"", b"\xff\xfe", b"\x00", b"k" * 5000, b"$where")


@dataclass(frozen=True, kw_only=True)
class Record:
    """As kafka-python hands one over."""

    topic: str
    key: bytes | None
    value: bytes | None
    is_hostile: bool
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


def examples(service: Service, *, copy_number: int) -> list[Record]:
    """What the service reads in the contract's own story. Each copy has ids of its own."""
    found: list[tuple[str, Record]] = []
    for message in message_types(SERVICES):
        topic = message.aggregate.topic
        if topic not in service.subscriptions:
            continue
        text = (EXAMPLES / f"{message.full_name}.json").read_text().replace(EXAMPLES_IDS, f"0185{copy_number:04x}-")
        document = json.loads(text) | {"source": message.aggregate.source}
        value = json.dumps(document).encode()
        found.append(
            (document["time"], Record(topic=topic, key=document["subject"].encode(), value=value, is_hostile=False))
        )
    return [record for _, record in sorted(found, key=lambda each: each[0])]


def hostile(record: Record, rng: random.Random) -> Record:
    """The message, damaged at one place; or something else in its place."""
    kind = rng.random()
    if kind < 0.1:
        return _with(record, value=rng.choice(RUBBISH))
    if kind < 0.2:
        return _with(record, key=rng.choice(KEYS))
    document = json.loads(record.value or b"")
    path = rng.choice(list(paths(document)))
    return _with(record, value=json.dumps(damaged(document, path, rng)).encode())


def paths(document: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Each place of a JSON document, from the outside to the inside."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in inner:
        yield (*above, name)
        yield from paths(value, (*above, name))


def damaged(document: Mapping[str, Any], path: tuple[Any, ...], rng: random.Random) -> Any:
    """A copy with another value at that place, or with none."""
    changed: Any = copy.deepcopy(document)
    *way, last = path
    place = changed
    for name in way:
        place = place[name]
    if rng.random() < 0.2:
        del place[last]
    else:
        place[last] = rng.choice(VALUES)
    return changed


def _with(record: Record, **changes: Any) -> Record:
    return Record(**{"topic": record.topic, "key": record.key, "value": record.value, **changes}, is_hostile=True)

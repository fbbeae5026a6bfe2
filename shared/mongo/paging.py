"""Pages that stay stable while rows are added: an opaque cursor names the last row of the page."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import bson
from pymongo.collation import Collation

from shared.errors import Invalid
from shared.mongo.aggregates import Document
from shared.mongo.database import Database

Sort = Sequence[tuple[str, int]]
# Å, ä and ö come last, v and w are apart; case and accents decide only between names that are otherwise equal.
FINNISH = Collation("fi")
BY_ID: Sort = (("_id", 1),)


@dataclass(frozen=True, kw_only=True)
class Page:
    """`items` of one page, and the cursor of the next one (None at the end)."""

    items: list[Document]
    next_cursor: str | None


def page(
    db: Database,
    collection: str,
    query: Mapping[str, Any],
    *,
    limit: int = 50,
    cursor: str | None = None,
    sort: Sort = BY_ID,
    collation: Collation | None = None,
    bound_to: str = "",
) -> Page:
    """One page of `collection`, by keyset: `sort` must end with `_id`; other fields may be null or absent.

    A cursor is good only with the `bound_to` that it was made with. Raises Invalid for any other cursor.
    """
    conditions: list[Mapping[str, Any]] = [query] if query else []
    if cursor:
        conditions.append(_after(_read_cursor(cursor, len(sort), bound_to), sort))
    found = list(
        db[collection]
        .find({"$and": conditions} if conditions else {}, collation=collation)
        .sort(list(sort))
        .limit(limit + 1)
    )
    items = found[:limit]
    more = len(found) > limit
    return Page(items=items, next_cursor=_write_cursor(items[-1], sort, bound_to) if more else None)


def page_of_parts(
    db: Database, collection: str, parts: Sequence[Mapping[str, Any]], *, limit: int, cursor: str | None, **options: Any
) -> Page:
    """One page of the first part, then of the next; no document is in two. The options are those of `page`."""
    part, _, after = (cursor or "0.").partition(".")
    if part not in map(str, range(len(parts))):
        raise wrong_cursor()
    items: list[Document] = []
    for number in range(int(part), len(parts)):
        found = page(db, collection, parts[number], limit=limit - len(items), cursor=after or None, **options)
        items += found.items
        if found.next_cursor is not None:
            return Page(items=items, next_cursor=f"{number}.{found.next_cursor}")
        if len(items) == limit:
            return Page(items=items, next_cursor=f"{number + 1}." if number + 1 < len(parts) else None)
        after = ""
    return Page(items=items, next_cursor=None)


def _after(values: Sequence[Any], sort: Sort) -> Mapping[str, Any]:
    """`(a, b) > (x, y)` as a MongoDB query: a > x, or a = x and b > y."""
    alternatives: list[Mapping[str, Any]] = []
    for position, (name, direction) in enumerate(sort):
        equal = {sort[i][0]: values[i] for i in range(position)}
        alternatives += [{**equal, **further} for further in _beyond(name, direction, values[position])]
    return {"$or": alternatives}


def _beyond(name: str, direction: int, value: Any) -> Sequence[Mapping[str, Any]]:
    """The alternatives of a query for values after `value`. MongoDB sorts null first, and compares it with nothing."""
    if value is None:
        return [{name: {"$ne": None}}] if direction > 0 else []
    if direction > 0:
        return [{name: {"$gt": value}}]
    return [{name: {"$lt": value}}, *([{name: None}] if name != "_id" else [])]


def _write_cursor(document: Document, sort: Sort, bound_to: str) -> str:
    values = [_pack(_value_at(document, name)) for name, _ in sort]
    text = json.dumps({"after": values, "of": _digest(bound_to)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, length: int, bound_to: str) -> list[Any]:
    try:
        read = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        values = read["after"]
        if read["of"] != _digest(bound_to) or len(values) != length or values[-1] is None:
            raise ValueError("another list's cursor")
        found = [_unpack(value) for value in values]
        bson.encode({"values": found})  # a number, day or text outside MongoDB's range
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise wrong_cursor() from error
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _value_at(document: Document, path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def wrong_cursor() -> Invalid:
    """The refusal of a cursor that the list has not given."""
    return Invalid({"cursor": ["Not a cursor of this list: take `next_cursor` of its last answer."]})


def _pack(value: Any) -> Any:
    return {"at": value.isoformat()} if isinstance(value, datetime) else value


def _unpack(value: Any) -> Any:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["at"])
    if value is not None and not isinstance(value, str | int):
        raise ValueError("not a value of a sort field")
    return value

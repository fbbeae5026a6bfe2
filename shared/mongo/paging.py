"""Lists that stay stable while rows are added: an opaque cursor that says after which row to go on."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import bson

from shared.errors import Invalid
from shared.mongo.aggregates import Document
from shared.mongo.database import Database

Sort = Sequence[tuple[str, int]]
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
) -> Page:
    """One page of `collection`, by keyset: `sort` must end with `_id` and name fields that are never null."""
    conditions: list[Mapping[str, Any]] = [query] if query else []
    if cursor:
        conditions.append(_after(_read_cursor(cursor, len(sort)), sort))
    found = list(db[collection].find({"$and": conditions} if conditions else {}).sort(list(sort)).limit(limit + 1))
    items = found[:limit]
    more = len(found) > limit
    return Page(items=items, next_cursor=_write_cursor(items[-1], sort) if more else None)


def _after(values: Sequence[Any], sort: Sort) -> Mapping[str, Any]:
    """`(a, b) > (x, y)` as MongoDB has to be asked: a > x, or a = x and b > y."""
    alternatives = []
    for position, (name, direction) in enumerate(sort):
        equal = {sort[i][0]: values[i] for i in range(position)}
        alternatives.append({**equal, name: {"$gt" if direction > 0 else "$lt": values[position]}})
    return {"$or": alternatives}


def _write_cursor(document: Document, sort: Sort) -> str:
    values = [_pack(document[name]) for name, _ in sort]
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, length: int) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(values, list) or len(values) != length:
            raise ValueError("another list's cursor")
        found = [_unpack(value) for value in values]
        bson.encode({"values": found})  # numbers, days and texts that MongoDB cannot have
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise wrong_cursor() from error
    return found


def wrong_cursor() -> Invalid:
    """What is said of a cursor that the list has not given."""
    return Invalid({"cursor": ["Not a cursor of this list: take `next_cursor` of its last answer."]})


def _pack(value: Any) -> Any:
    return {"at": value.isoformat()} if isinstance(value, datetime) else value


def _unpack(value: Any) -> Any:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["at"])
    if not isinstance(value, str | int):
        raise ValueError("not a value of a sort field")  # noqa: TRY004 - the caller treats all alike
    return value


def search_words(*texts: str | None) -> list[str]:
    """What `?q=` looks in: the words of `texts`, in lower case. Keep it in an indexed field."""
    return sorted({word for text in texts if text for word in _WORD.findall(text.casefold())})


def search_query(q: str | None, field: str = "search") -> Mapping[str, Any]:
    """Documents in which every word of `q` begins one of the words of `field`; all when `q` is empty."""
    words = _WORD.findall((q or "").casefold())[:8]
    if not words:
        return {}
    return {"$and": [{field: {"$regex": f"^{re.escape(word)}"}} for word in words]}


_WORD = re.compile(r"[\w@.+-]+")

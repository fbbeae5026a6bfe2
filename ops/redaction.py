"""The form of a message, which operators may see. Values are shown only if they cannot be personal data."""

import json
import re
from typing import Any

from shared.ids import is_id
from shared.messaging.messages import Message, Undecodable, decode
from shared.mongo.aggregates import Document

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_TYPE = re.compile(r"[a-z][a-z_.]{0,80}")
DEPTH = 8
LIST_SHOWN = 20


def redact(value: Any, *, depth: int = DEPTH) -> Any:
    """Keeps ids, instants, booleans and null; replaces every other value by its type."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value if is_id(value) or _INSTANT.fullmatch(value) else f"text of {len(value)}"
    if isinstance(value, int | float):
        return "number"
    if depth == 0:
        return "more"
    if isinstance(value, dict):
        return {
            name if _NAME.fullmatch(name) else f"name {number}": redact(inner, depth=depth - 1)
            for number, (name, inner) in enumerate(value.items(), 1)
        }
    return [redact(inner, depth=depth - 1) for inner in value[:LIST_SHOWN]]


def read_dead_letter(letter: Document) -> Message:
    """The unchanged message in a dead letter. Raises Undecodable."""
    about = letter["about"]
    return decode(
        None if letter.get("value") is None else bytes(letter["value"]),
        key=None if letter.get("key") is None else bytes(letter["key"]),
        topic=about["topic"],
        partition=int(about["partition"]),
        offset=int(about["offset"]),
    )


def show_dead_letter(letter: Document, *, whole: bool = False) -> Document:
    """A dead letter for the operator; `whole` with its headers and the form of its payload."""
    about = letter["about"]
    value = letter.get("value")
    shown = {
        "_id": letter["_id"],
        "state": letter["state"],
        "topic": about["topic"],
        "partition": int(about["partition"]),
        "offset": int(about["offset"]),
        "error": about["error"],
        "reason": about["reason"],
        "tries": int(about["tries"]),
        "at": about["at"],
        "key": _key(letter.get("key")),
        "size": None if value is None else len(value),
        "message": None,
        "closed_at": letter.get("closed_at"),
        "closed_by": letter.get("closed_by"),
        "why_closed": letter.get("why_closed"),
    }
    if letter["state"] == "dead":
        try:
            message = read_dead_letter(letter)
        except Undecodable:
            message = None
        if message is not None:
            shown["message"] = _facts(message)
        if whole:
            shown["headers"] = [
                {"name": _name(name), "value": _header(name, value)} for name, value in letter["headers"]
            ]
            shown["payload"] = (
                None if message is None or message.state is None else redact(json.loads(value or b"null"))
            )
    return shown


def _facts(message: Message) -> Document:
    return {
        "id": message.id if is_id(message.id) or message.state is None else "(not an id)",
        "type": message.type if _TYPE.fullmatch(message.type) else "(not a type)",
        "sequence": message.sequence,
        "time": message.time if _INSTANT.fullmatch(message.time) else None,
        "correlation_id": message.correlation_id if is_id(message.correlation_id) else None,
    }


def _key(key: Any) -> str | None:
    if key is None:
        return None
    text = bytes(key).decode(errors="replace")
    return text if is_id(text) else f"(no id, {len(key)} bytes)"


def _name(name: str) -> str:
    return name if re.fullmatch(r"[a-zA-Z0-9-]{1,40}", name) else "(another)"


def _header(name: str, value: Any) -> str:
    content = bytes(value or b"")
    if name == "content-type" and re.fullmatch(rb"[a-z+/.-]{1,60}", content):
        return content.decode()
    return f"{len(content)} bytes"

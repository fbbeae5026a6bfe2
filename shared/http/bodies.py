"""JSON as it comes in: what cannot be read is the caller's mistake, and is told as such."""

import json
from typing import Any

from flask import Request, request
from flask.json.provider import DefaultJSONProvider
from marshmallow import missing
from webargs.core import is_json
from webargs.flaskparser import FlaskParser

from shared.errors import Problem


class BodyParser(FlaskParser):
    """webargs' parser, with `read_json`."""

    def _raw_load_json(self, req: Request) -> Any:
        body = req.get_data(cache=True)
        return read_json(body) if body and is_json(req.mimetype) else missing


class Json(DefaultJSONProvider):
    """Flask's JSON, with `read_json`, and fields in the order of their schema."""

    sort_keys = False

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return read_json(s)


def read_json(body: str | bytes) -> Any:
    """The value that the text stands for. Raises Problem (400) when it is no JSON, or JSON of what is no text."""
    try:
        value = json.loads(body, parse_constant=_no_number)
        _check_text(body, value)
    except (ValueError, RecursionError) as error:
        raise Problem("The body is not JSON, or is nested too deeply.") from error
    return value


def _check_text(body: str | bytes, value: Any) -> None:
    """Half a surrogate pair is legal in JSON's grammar and no Unicode text (RFC 8259, 8.2); nor is NUL any text."""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    if b"\\ud" in raw or b"\\uD" in raw or b"\\u0000" in raw:
        text = json.dumps(value, ensure_ascii=False)
        text.encode()
        if "\\u0000" in text:
            raise ValueError("a NUL character")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON's")


def json_object() -> dict[str, Any]:
    """The body of this request as a JSON object. Raises Problem (400) when it is something else."""
    body = request.get_json()
    if not isinstance(body, dict):
        raise Problem("The body must be a JSON object.")
    return body

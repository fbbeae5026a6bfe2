"""JSON bodies. A body that cannot be read is the caller's mistake: 400."""

import json
from typing import Any

from flask import Request, request
from flask.json.provider import DefaultJSONProvider
from marshmallow import Schema, fields, missing
from webargs.core import is_json
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict

from shared.errors import Invalid, Problem
from shared.http.media import FORM, takes_form


class BodyParser(FlaskParser):
    """webargs' parser with `read_json`; refuses a second value of a parameter that has only one."""

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        for name, field in schema.load_fields.items():
            key = field.data_key or name
            if not isinstance(field, fields.List) and len(req.args.getlist(key)) > 1:
                raise Invalid({key: ["Give this parameter once."]})
        return super().load_querystring(req, schema)

    def _raw_load_json(self, req: Request) -> Any:
        if req.mimetype == FORM and takes_form():
            return form_object(req.form)
        body = req.get_data(cache=True)
        return read_json(body) if body and is_json(req.mimetype) else missing


def form_object(form: "MultiDict[str, str]") -> dict[str, Any]:
    """The JSON object that a form stands for, without the fields that were left empty.

    `person.email` is a field of the object `person`; `score:int` and `weight:number` are numbers, `roles:list` may
    have several values, `agreed:bool` is true for any value but `false`.
    """
    made: dict[str, Any] = {}
    for field, values in form.lists():
        path, _, kind = field.partition(":")
        given = [value for value in values if value.strip()]
        if not given:
            continue
        *outer, name = path.split(".", 3)
        inside = made
        for part in outer:
            inside = inside.setdefault(part, {})
            if not isinstance(inside, dict):
                raise Problem(f"The form has a field {path[:100]!a} inside of a text.")
        inside[name] = given if kind == "list" else _form_value(given[0], kind)
    return made


def _form_value(text: str, kind: str) -> Any:
    if kind == "bool":
        return text != "false"
    if kind == "number":
        return _number(text)
    if kind == "int" and text.strip().lstrip("-").isascii() and text.strip().lstrip("-").isdigit():
        return int(text[:20])
    return text


def _number(text: str) -> float | str:
    """The number that a person wrote, with a comma or a full stop; the text where it is none."""
    try:
        return float(text[:20].strip().replace(",", "."))
    except ValueError:
        return text


class Json(DefaultJSONProvider):
    """Flask's JSON, with `read_json`, and fields in the order of their schema."""

    sort_keys = False

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return read_json(s)


def read_json(body: str | bytes) -> Any:
    """The value that the text stands for.

    Raises Problem (400) for text that is no JSON, for a name that stands twice in one object (RFC 8259, 4: readers
    differ in which value they take), and for a string that is no Unicode text or holds NUL.
    """
    try:
        value = json.loads(body, parse_constant=_no_number, object_pairs_hook=_object)
        _check_text(body, value)
    except RecursionError as error:
        raise Problem("The body is nested too deeply.") from error
    except ValueError as error:
        raise Problem("The body is not JSON.") from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Problem(f"The name {twice[:100]!a} stands twice in one object.")
    return made


def _check_text(body: str | bytes, value: Any) -> None:
    """Half a surrogate pair is legal in JSON's grammar and no Unicode text (RFC 8259, 8.2); nor is NUL any text."""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    if b"\\ud" in raw or b"\\uD" in raw or b"\\u0000" in raw:
        text = json.dumps(value, ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Problem("A text in the body holds half of a surrogate pair, which is no Unicode text.") from error
        if r"\u0000" in text.replace(r"\\", ""):  # a backslash that is itself escaped begins no escape
            raise Problem("A text in the body holds the character NUL.")


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON's")


def json_object() -> dict[str, Any]:
    """The body of this request as a JSON object. Raises Problem (400) when it is something else."""
    body = request.get_json()
    if not isinstance(body, dict):
        raise Problem("The body must be a JSON object.")
    return body

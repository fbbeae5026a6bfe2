"""Additions to each operation's OpenAPI document: tokens, preconditions, other media types, errors."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from apispec import BasePlugin
from flask import Flask
from marshmallow import INCLUDE, Schema, fields

from shared.http.auth import needed_role
from shared.http.media import FORM
from shared.schemas import ByLanguage, Day, Duration, Id

Json = dict[str, Any]

PROBLEM = "application/problem+json"
MERGE_PATCH = "application/merge-patch+json"
FORMATS = {Id: "uuid", Day: "date", Duration: "duration"}
PARAMETERS: dict[str, Json] = {
    "X-Request-ID": {
        "description": "taken over into the answer, the logs and the messages; made when it is absent",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "Idempotency-Key": {
        "description": "the same request with the same key is done once; good for 24 hours",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "If-Match": {
        "description": "the ETag of the version that is to be changed, several, or `*` for whichever there is",
        "schema": {"type": "string", "pattern": r'^(\*|(W/)?"[0-9]{1,18}"(, (W/)?"[0-9]{1,18}")*)$'},
    },
    "If-None-Match": {
        "description": "the ETag of the version that the caller has: 304 when it is the present one",
        "schema": {"type": "string"},
    },
}
HEADERS: dict[str, Json] = {
    "X-Request-ID": {"schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "`true`: an answer that was given before",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"schema": {"type": "string"}},
}


class ProblemDetails(Schema):
    """Problem details (RFC 9457)."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "a sentence for the person who made the request"})
    instance = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "with 422: field path → what is wrong with it"},
    )
    existing_id = fields.String(metadata={"description": "with 409: what is there already"})


class Promises(BasePlugin):
    """An apispec plugin that documents the behaviour that this library adds to each operation."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def operation_helper(self, path: str | None = None, operations: Any = None, **options: Any) -> None:
        view = self.app.view_functions[options["rule"].endpoint]
        for method, operation in operations.items():
            role = needed_role(view, method.upper())
            _add_token(operation, role)
            _add_media(operation, view, method)
            operation.setdefault("parameters", []).extend(_headers_in(method, str(path), role))
            if method == "get" and "ETag" in operation["responses"].get("200", {}).get("headers", {}):
                operation["parameters"].append({"in": "header", "name": "If-None-Match", **PARAMETERS["If-None-Match"]})
                operation["responses"]["304"] = {"description": HTTPStatus(304).phrase}
            for status in _refusals(method, str(path), role):
                operation["responses"].setdefault(str(status), HTTPStatus(status).name)
            for response in operation["responses"].values():
                if isinstance(response, dict):
                    response.setdefault("headers", {}).update(_headers_out(method))


def describe_field(converter: Any, field: fields.Field[Any], ret: Json, **_: Any) -> Json:
    """The OpenAPI attributes of our own field types, for apispec (an attribute function of its converter)."""
    if isinstance(field, ByLanguage):
        ret.pop("minLength", None)  # it counts the characters of a dict
        ret.pop("maxLength", None)
        text = ret.pop("additionalProperties")
        languages = field.key_field.validators[0].choices  # type: ignore[union-attr]
        return {"minProperties": 1, "properties": dict.fromkeys(languages, text), "additionalProperties": False}
    return next(({"format": name} for kind, name in FORMATS.items() if isinstance(field, kind)), {})


def problem_responses() -> Iterator[tuple[str, Json]]:
    """A response component for each error status, and a default for all others."""
    phrases = {status.name: status.phrase for status in HTTPStatus if status >= 400}
    for name, phrase in (phrases | {"DEFAULT_ERROR": "Any other error"}).items():
        headers = {header: HEADERS[header] for header in ("X-Request-ID", "Retry-After")}
        if name == HTTPStatus.UNAUTHORIZED.name:
            headers["WWW-Authenticate"] = HEADERS["WWW-Authenticate"]
        yield name, {"description": phrase, "headers": headers, "content": {PROBLEM: {"schema": ProblemDetails}}}


def _add_token(operation: Json, role: str | None) -> None:
    if role is None:
        operation["security"] = []
    else:
        operation["description"] = f"{operation.get('description', '')}\n\nNeeds the role `{role}`.".strip()


def _add_media(operation: Json, view: Callable[..., Any], method: str) -> None:
    given = getattr(view, "answer_types", ())
    for response in operation["responses"].values() if given else ():
        if isinstance(response, dict) and "content" in response:
            [shape] = response["content"].values()
            # Where JSON is one of several media types, the others are tables, which have no schema.
            other = {} if "application/json" in given else shape
            response["content"] = {media: shape if media == "application/json" else other for media in given}
    taken = getattr(view, "media_types", ())
    if taken:
        json = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        contents = {media: json if media == "application/json" else {} for media in taken}
        operation["requestBody"] = {"required": True, "content": contents}
    elif method == "post" and getattr(view, "takes_forms", False):
        operation["requestBody"]["content"][FORM] = {"schema": {"type": "object"}}
    elif method == "patch":
        content = operation["requestBody"]["content"]
        operation["requestBody"]["content"] = {MERGE_PATCH: content["application/json"], **content}


def _headers_in(method: str, path: str, role: str | None) -> list[Json]:
    names = {"X-Request-ID": False}
    if method == "post":
        names["Idempotency-Key"] = False
    if method in ("patch", "put"):
        names["If-Match"] = True
    elif method == "delete" or (path.endswith("/transitions") and role):
        names["If-Match"] = False
    return [
        {"in": "header", "name": name, "required": required, **PARAMETERS[name]} for name, required in names.items()
    ]


def _headers_out(method: str) -> Json:
    names = ("X-Request-ID", "Idempotent-Replayed") if method == "post" else ("X-Request-ID",)
    return {name: HEADERS[name] for name in names}


def _refusals(method: str, path: str, role: str | None) -> Iterator[int]:
    yield from (401, 403) if role else (429,)
    if "{" in path:
        yield 404
    if method in ("post", "put", "patch", "delete"):
        yield from (400, 409, 413, 415)
    if method in ("put", "patch", "delete") or path.endswith("/transitions"):
        yield 412
    if method in ("put", "patch"):
        yield 428
    yield from (406, 503)

"""The JSON Schemas (2020-12) of the messages, from marshmallow's, as readers see them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema, missing

from shared.cloudevents import SCHEMA_BASE, TYPE_PREFIX
from shared.mongo.aggregates import Aggregate
from shared.schemas import Resource
from shared.service import Service

Json = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
INSTANT: Json = {"type": "string", "format": "date-time"}
ONLY_FOR_INPUT = ("default", "readOnly", "writeOnly")
# OpenAPI 3.1's schemas are JSON Schema 2020-12. Nested schemas get no name, so they stand where they are used.
_PLUGIN = MarshmallowPlugin(schema_name_resolver=lambda _: "")
APISpec("USO", "v1", openapi_version="3.1.0", plugins=[_PLUGIN])


@dataclass(frozen=True, kw_only=True)
class MessageType:
    """One type of message: `name` without the prefix `fi.uso.`, the aggregate that it is about, and its owner."""

    name: str
    aggregate: Aggregate[Any]
    service: Service

    @property
    def full_name(self) -> str:
        return TYPE_PREFIX + self.name

    @property
    def topic(self) -> str:
        return str(self.aggregate.topic)

    @property
    def summary(self) -> str:
        return sentence(self.aggregate.message_types[self.name])


def message_types(services: Sequence[Service]) -> Iterator[MessageType]:
    """All types of all services, in the services' order."""
    for service in services:
        for aggregate in service.aggregates:
            if aggregate.topic is not None:
                for name in aggregate.message_types:
                    yield MessageType(name=name, aggregate=aggregate, service=service)


def document_schema(message: MessageType, *, sources: Sequence[str]) -> Json:
    """The JSON Schema of the whole CloudEvents document. Further members are allowed everywhere: schemas grow.

    `sources` are the services that say it: one, but for what each says by the same word on its own topic.
    """
    identifier = f"{SCHEMA_BASE}/{message.full_name}/v1.json"
    return {
        "$schema": DIALECT,
        "$id": identifier,
        "title": message.full_name,
        "description": message.summary,
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {
                "type": "string",
                "format": "uuid",
                "description": "The same id again is the same message again: CloudEvents' (source, id) is unique.",
            },
            "source": {"const": sources[0]} if len(sources) == 1 else {"enum": list(sources)},
            "type": {"const": message.full_name},
            "subject": {"type": "string", "description": "Whom or what it is about; also the record's key."},
            "time": {**INSTANT, "description": "When the change was made."},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"const": identifier},
            "sequence": {
                "type": "integer",
                "minimum": 1,
                "description": "The version of what it is about. A message with a lower one than you know is old news.",
            },
            "actor": {
                "type": "string",
                "description": "The `sub` of the member of staff, `public`, or the rule that acted on its own.",
            },
            "correlationid": {"type": "string", "description": "The same along a chain of messages."},
            "causationid": {"type": "string", "description": "The id of the message that this one follows from."},
            "traceparent": {"type": "string", "description": "W3C Trace Context."},
            "republished": {
                "type": "boolean",
                "description": "true: the present state once more. Keep it, but do nothing because of it.",
            },
            "data": {
                "type": "object",
                "properties": {
                    "state": state_schema(message.aggregate.schema()),
                    "change": change_schema(message.aggregate.message_types[message.name]()),
                },
                "required": ["state", "change"],
            },
        },
        "required": [
            *("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"),
            *("sequence", "actor", "correlationid", "data"),
        ],
    }


def state_schema(schema: Schema) -> Json:
    """The answer of a resource's GET: all fields are present, absent optional fields are null."""
    if isinstance(schema, Resource):
        for field in schema.dump_fields.values():
            field.allow_none |= not field.required and field.load_default in (missing, None)
            field.required = True
    return change_schema(schema) | {"description": sentence(type(schema))}


def change_schema(schema: Schema) -> Json:
    """The schema from a reader's side."""
    converter: Any = _PLUGIN.converter
    shape: Json = _for_readers(converter.schema2jsonschema(schema))
    return shape


def sentence(described: type) -> str:
    """The first sentence of a docstring."""
    return " ".join((described.__doc__ or "").partition("\n\n")[0].split())


def as_text(document: Json) -> str:
    """JSON as it is checked in."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _for_readers(shape: Any) -> Any:
    if isinstance(shape, list):
        return [_for_readers(part) for part in shape]
    if not isinstance(shape, dict):
        return shape
    out = {name: _for_readers(value) for name, value in shape.items() if name not in ONLY_FOR_INPUT}
    if "properties" in shape:
        out["properties"] = {name: _for_readers(value) for name, value in shape["properties"].items()}
    if out.get("additionalProperties") is False:
        del out["additionalProperties"]
    if "object" in _types(out):
        out.pop("minLength", None)  # apispec counts the characters of a dict
    return out


def _types(shape: Json) -> Sequence[str]:
    kinds = shape.get("type", ())
    return [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list | tuple) else ()

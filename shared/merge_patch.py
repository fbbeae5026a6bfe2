"""JSON Merge Patch (RFC 7396), checked by the schema that checks a new resource."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema

from shared.errors import Invalid
from shared.schemas import flatten_errors


def merge_patch(target: Any, patch: Any) -> Any:
    """`target` with `patch` applied (RFC 7396, section 2); neither is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def patched(shown: Mapping[str, Any], patch: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """The input fields after the patch.

    `shown` is the resource's public shape, `schema` the schema of its input. A read-only field that the patch
    names with its present value is ignored. Raises Invalid with the path of each wrong field.
    """
    asked = {
        name: value for name, value in patch.items() if name in schema.load_fields or shown.get(name, patch) != value
    }
    inputs = {name: shown[name] for name in schema.load_fields if shown.get(name) is not None}
    merged = merge_patch(inputs, asked)
    errors = schema.validate(merged)
    if errors:
        raise Invalid(flatten_errors(errors))
    loaded: dict[str, Any] = schema.load(merged)
    removed = {name: None for name in inputs if name not in merged}
    return {**removed, **loaded}

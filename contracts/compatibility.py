"""The changes that v1 allows: fields may be added, and everything that a reader relies on must stay.

A reader was written for the released schemas, and reads messages of the present schemas. So each present message must
be valid by the released schema: the values of a field may become fewer, never more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.shapes import Json

ANNOTATIONS = frozenset({"title", "description", "examples", "deprecated", "$schema", "$comment"})
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
WALKED = frozenset({"type", "enum", "properties", "required", "items", "additionalProperties", *UPPER, *LOWER})


@dataclass(frozen=True, kw_only=True)
class Contract:
    """The AsyncAPI document, and the JSON Schema of each message by its full name."""

    asyncapi: Json
    schemas: Mapping[str, Json]

    def topics_of(self, message: str) -> list[str]:
        return [name for name, channel in self.asyncapi["channels"].items() if message in channel["messages"]]


def breaks(released: Contract, present: Contract) -> list[str]:
    """A sentence for each change that breaks a reader of the release; empty when there is none."""
    return [*_topics(released, present), *_messages(released, present)]


def _topics(released: Contract, present: Contract) -> Iterator[str]:
    for name, channel in released.asyncapi["channels"].items():
        if name not in present.asyncapi["channels"]:
            yield f"{name}: the topic was removed; its readers would wait for ever"
            continue
        was, now = (described["bindings"]["kafka"] for described in (channel, present.asyncapi["channels"][name]))
        for setting, before in was["topicConfiguration"].items():
            after = now["topicConfiguration"].get(setting)
            if setting == "cleanup.policy" and after != before:
                yield f"{name}: {setting} was {before[0]} and is {after and after[0]} now; readers rely on what is kept"
            elif setting.endswith("retention.ms") and (after is None or after < before):
                yield f"{name}: {setting} was {before} and is {after} now; who was away may miss something"


def _messages(released: Contract, present: Contract) -> Iterator[str]:
    for message, schema in released.schemas.items():
        if message not in present.schemas:
            yield f"{message}: the message type was removed; its readers would wait for ever"
            continue
        was, now = released.topics_of(message), present.topics_of(message)
        if set(was) - set(now):
            yield f"{message}: it stood on {', '.join(was)} and stands on {', '.join(now)} now"
        for sentence in _wider(schema, present.schemas[message], ""):
            yield f"{message}: {sentence}"


def _wider(was: Json, now: Json, path: str) -> Iterator[str]:
    """The changes by which `now` allows values that `was` did not."""
    yield from _types(was, now, path)
    yield from _values(was, now, path)
    for name, inner in was.get("properties", {}).items():
        at = f"{path}.{name}".lstrip(".")
        if name not in now.get("properties", {}):
            yield f"the field {at} was removed; fields may only be added within v1"
            continue
        if name in was.get("required", ()) and name not in now.get("required", ()):
            yield f"the field {at} was always there and may be absent now"
        yield from _wider(inner, now["properties"][name], at)
    for keyword, step in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(was.get(keyword), dict):
            yield from _wider(was[keyword], now.get(keyword) or {}, path + step)


def _types(was: Json, now: Json, path: str) -> Iterator[str]:
    before, after = _kinds(was), _kinds(now)
    if not before:
        return
    if not after:
        yield f"the field {path} was {_or(before)} and may be anything now"
        return
    # Every integer is a number.
    more = [kind for kind in after if kind not in before and not (kind == "integer" and "number" in before)]
    if more == ["null"]:
        yield f"the field {path} may be null now"
    elif more:
        yield f"the field {path} was {_or(before)} and may be {_or(more)} now"


def _values(was: Json, now: Json, path: str) -> Iterator[str]:
    if "enum" in was:
        known = was["enum"]
        more = [value for value in now.get("enum", [now["const"]] if "const" in now else ()) if value not in known]
        if "enum" not in now and "const" not in now:
            yield f"the field {path} was one of {_list(known)} and may be anything now"
        # Null belongs to the types, above. A reader does nothing about a state that it does not know.
        elif [value for value in more if value is not None] and not path.endswith("data.state.state"):
            yield f"the field {path} may be {_list(more)} now; its readers know only {_list(known)}"
    for keyword in UPPER:
        if keyword in was and (keyword not in now or now[keyword] > was[keyword]):
            yield f"the field {path} had a {keyword} of {was[keyword]} and has {now.get(keyword, 'none')} now"
    for keyword in LOWER:
        if keyword in was and (keyword not in now or now[keyword] < was[keyword]):
            yield f"the field {path} had a {keyword} of {was[keyword]} and has {now.get(keyword, 'none')} now"
    for keyword in was.keys() - WALKED - ANNOTATIONS:
        if now.get(keyword) != was[keyword]:
            yield f"the field {path or keyword} had {keyword} {was[keyword]!r} and has {now.get(keyword)!r} now"


def _kinds(shape: Json) -> Sequence[str]:
    kinds = shape.get("type", ())
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _or(kinds: Sequence[str]) -> str:
    return " or ".join(kinds)


def _list(values: Sequence[object]) -> str:
    return ", ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in values)

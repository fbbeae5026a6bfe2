"""marshmallow fields and bases that HTTP bodies and messages share."""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import isodate
from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, missing, post_dump, pre_load, validate

from shared.ids import is_id
from shared.instants import instant_text
from shared.text import one_line, several_lines

LANGUAGES = ("fi", "sv", "en")
MAX_TEXT = 20_000
# The ids of one answer; 200 of them also fit an address (8,190 bytes).
MAX_VALUES = 200
# isodate also accepts text that only begins like a duration, or ends with a line feed. A sign has no meaning here.
_DURATION = re.compile(r"P[0-9]{1,9}[YMWD][0-9YMDTHS.,]*|PT[0-9]{1,9}[0-9HMS.,]*")
_LEAP_YEAR = datetime(2024, 1, 1)  # noqa: DTZ001
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _not_a_day() -> str:
    raise ValueError("not YYYY-MM-DD")


def _as_list(validators: Any) -> list[Any]:
    if validators is None:
        return []
    return list(validators) if isinstance(validators, list | tuple) else [validators]


class Id(fields.String):
    """A UUID in its canonical text form."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_id(text):
            raise ValidationError("Not an id: ids are UUIDs in lower case, such as 0190a6f0-….")
        return str(text)


class Line(fields.String):
    """A line of text (`shared.text.one_line`), not blank, of 200 characters at most by default."""

    def __init__(self, *, max_length: int = 200, min_length: int = 1, **kwargs: Any) -> None:
        validators = [
            validate.Length(min=min_length, max=max_length),
            *_as_list(kwargs.pop("validate", None)),
        ]
        super().__init__(validate=validators, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return cleaned(one_line, str(super()._deserialize(value, attr, data, **kwargs)))


class LongText(fields.String):
    """Text of several lines (`shared.text.several_lines`), of 20,000 characters at most by default."""

    def __init__(self, *, max_length: int = MAX_TEXT, min_length: int | None = None, **kwargs: Any) -> None:
        length = validate.Length(min=min_length, max=max_length)
        super().__init__(validate=[length, *_as_list(kwargs.pop("validate", None))], **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return cleaned(several_lines, str(super()._deserialize(value, attr, data, **kwargs)))


def cleaned(clean: Callable[[str], str], text: str) -> str:
    """`clean(text)`, with its ValueError as marshmallow's ValidationError."""
    try:
        return clean(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def _not_blank(text: str) -> None:
    if not text.strip():
        raise ValidationError("Must not be blank.")


class ByLanguage(fields.Dict):
    """A text for people: `{"fi": …, "sv": …, "en": …}` with at least one of them; a line each, or `multiline`."""

    def __init__(self, *, max_length: int = 200, multiline: bool = False, **kwargs: Any) -> None:
        text = (
            LongText(max_length=max_length, min_length=1, validate=_not_blank)
            if multiline
            else Line(max_length=max_length)
        )
        super().__init__(
            keys=fields.String(validate=validate.OneOf(LANGUAGES)),
            values=text,
            validate=validate.Length(min=1, error="Give the text in at least one of fi, sv and en."),
            **kwargs,
        )


class Instant(fields.AwareDateTime):
    """RFC 3339 with an offset; kept and shown in UTC, in whole milliseconds (`2022-12-01T12:00:00Z`)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            moment = super()._deserialize(value, attr, data, **kwargs).astimezone(UTC)
        except OverflowError as error:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from error
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else instant_text(value)


class Day(fields.String):
    """A date, `YYYY-MM-DD`; kept as that text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        try:
            return date.fromisoformat(text).isoformat() if _DAY.fullmatch(text) else _not_a_day()
        except ValueError as error:
            raise ValidationError("Not a date: write it as YYYY-MM-DD.") from error


class Duration(fields.String):
    """An ISO 8601 duration such as `P7D` or `PT2H`, not negative; kept in one spelling (`PT24H` is `P1D`).

    `at_most` and `longer_than_nothing` bound it. Months and years count as those from 1 January of a leap year.
    """

    def __init__(self, *, at_most: timedelta | None = None, longer_than_nothing: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.at_most = at_most
        self.longer_than_nothing = longer_than_nothing

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        try:
            duration = _canonical_duration(text)
        except (isodate.ISO8601Error, ValueError, OverflowError, TypeError) as error:
            raise ValidationError("Not a duration: write it as ISO 8601 has it, such as P7D or PT2H.") from error
        if self.longer_than_nothing and duration == "PT0S":
            raise ValidationError("Longer than nothing.")
        if self.at_most is not None and not _lasts_at_most(duration, self.at_most):
            raise ValidationError(f"At most {isodate.duration_isoformat(self.at_most)}.")
        return duration


def _lasts_at_most(duration: str, limit: timedelta) -> bool:
    span = isodate.parse_duration(duration)
    try:
        return (span if isinstance(span, timedelta) else span.totimedelta(start=_LEAP_YEAR)) <= limit
    except (OverflowError, ValueError):  # past the calendar's end
        return False


def _canonical_duration(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise ValueError("not a duration")
    span = isodate.parse_duration(text)
    if span == timedelta(0):
        return "PT0S"
    return str(isodate.duration_isoformat(span))


class Strict(Schema):
    """An input at HTTP. An unknown field is refused; null for an optional field means that it is absent."""

    class Meta:
        unknown = RAISE

    @pre_load
    def null_is_not_given(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None or self._must_be_told(name)}

    def _must_be_told(self, name: str) -> bool:
        field = self.load_fields.get(name)
        return field is None or field.required or field.allow_none


class Resource(Schema):
    """The fields that every resource shows."""

    id = fields.String(attribute="_id", required=True, metadata={"format": "uuid"})
    version = fields.Integer(required=True, metadata={"description": "1, 2, 3 …; also its ETag"})
    created_at = Instant(required=True)
    updated_at = Instant(required=True)

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Every field is always present in output; absent optional ones are null."""
        field_obj.allow_none |= not field_obj.required and field_obj.load_default in (missing, None)
        field_obj.required = True

    @post_dump
    def show_what_is_absent(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: data.get(name) for name in self.dump_fields}


class Several(fields.List[Any]):
    """A parameter that may be given several times; with `commas` also `?ids=a,b`."""

    def __init__(self, inner: fields.Field[Any], *, commas: bool = False, **kwargs: Any) -> None:
        self.commas = commas
        super().__init__(inner, validate=validate.Length(min=1, max=MAX_VALUES), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if self.commas and isinstance(value, list):
            value = [part for text in value for part in str(text).split(",") if part]
        return super()._deserialize(value, attr, data, **kwargs)


class PageQuery(Strict):
    """The query parameters of every list. A subclass adds filters as fields."""

    limit = fields.Integer(load_default=50, validate=validate.Range(min=1, max=200))
    cursor = fields.String(load_default=None)


class SearchQuery(PageQuery):
    q = fields.String(load_default=None, validate=validate.Length(max=200))


class MergePatch(Schema):
    """JSON Merge Patch (RFC 7396): the fields to change; null removes one."""

    class Meta:
        unknown = INCLUDE


def patch_of(schema: type[Schema]) -> type[Schema]:
    """The body of a PATCH: any fields of `schema`, each also null. It is checked after it was merged."""

    class Patch(MergePatch):
        def load(self, data: Any, **_: Any) -> Any:
            if not isinstance(data, dict):
                raise ValidationError({"_schema": ["A merge patch is a JSON object."]})
            return data

    optional = {}
    for name, declared in schema._declared_fields.items():
        optional[name] = copy.copy(declared)
        optional[name].required, optional[name].allow_none, optional[name].load_default = False, True, missing
    return type(f"{schema.__name__.removesuffix('Input')}Patch", (Patch,), optional)


def transition_of(states: Sequence[str], name: str) -> type[Schema]:
    """The body of a transition to one of `states`. Another word is refused (422)."""
    return type(
        f"{name.title().replace(' ', '')}Transition", (TransitionInput,), {"to": one_of(*states, required=True)}
    )


class TransitionInput(Strict):
    """A transition to another state; some transitions need a `reason`."""

    to = fields.String(required=True, validate=validate.Length(min=1, max=40))
    reason = Line(max_length=1000)


def one_of(*values: str, **options: Any) -> fields.String:
    """A field that takes these values only."""
    return fields.String(validate=validate.OneOf(values), **options)


def flatten_errors(messages: Any, path: str = "") -> dict[str, list[str]]:
    """marshmallow's nested messages as field path → sentences (`name.fi`, `contact_ids.0`)."""
    if isinstance(messages, Mapping):
        flat: dict[str, list[str]] = {}
        for key, value in messages.items():
            inner = key not in ("key", "value", "_schema") or not path
            flat.update(flatten_errors(value, f"{path}.{key}".lstrip(".") if inner else path))
        return flat
    return {path: [str(message) for message in (messages if isinstance(messages, list) else [messages])]}

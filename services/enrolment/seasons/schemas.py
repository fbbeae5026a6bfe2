"""The shapes of a season at HTTP and in messages."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from services.enrolment.seasons.domain import LIFECYCLE
from shared.schemas import ByLanguage, Day, Line, PageQuery, Resource, Strict, one_of


def whole_or_half(days: float) -> None:
    if days < 0 or days > 100 or (days * 2) % 1:
        raise ValidationError("0 to 100, in steps of half a day (0.5).")


class Theme(Strict):
    """A theme of a season. Enrolments choose themes by `key`."""

    key = Line(
        required=True,
        max_length=60,
        validate=validate.Regexp(r"^[a-z0-9_-]+$", error="Lower case letters, digits, _ and - only."),
    )
    name = ByLanguage(required=True)


class Package(Strict):
    """The workshop days that each organisation gets when its enrolment becomes active."""

    situation_analysis = fields.Boolean(load_default=True)
    workshop_days = fields.Float(load_default=0.0, validate=whole_or_half, metadata={"multipleOf": 0.5})


class SeasonInput(Strict):
    """The fields of a season that staff give."""

    number = fields.Integer(strict=True, required=True, validate=validate.Range(min=1, max=10_000))
    name = ByLanguage(required=True)
    starts_on = Day(required=True)
    ends_on = Day(required=True)
    enrolment_opens_on = Day()
    enrolment_closes_on = Day()
    organisers = fields.List(
        Line(),
        load_default=list,
        dump_default=list,
        validate=validate.Length(max=20),
        metadata={"description": "the bodies that run the season, by name"},
    )
    themes = fields.List(fields.Nested(Theme), load_default=list, validate=validate.Length(max=50))
    package = fields.Nested(Package, load_default=lambda: Package().load({}))

    @validates_schema
    def days_are_in_order(self, data: dict[str, Any], **_: Any) -> None:
        for first, last in (("starts_on", "ends_on"), ("enrolment_opens_on", "enrolment_closes_on")):
            if data.get(first) and data.get(last) and data[last] < data[first]:
                raise ValidationError({last: [f"Must not be before {first}."]})

    @validates_schema
    def themes_differ(self, data: dict[str, Any], **_: Any) -> None:
        keys = [theme["key"] for theme in data.get("themes", [])]
        if len(set(keys)) != len(keys):
            raise ValidationError({"themes": ["Each theme has a key of its own."]})


class Season(SeasonInput, Resource):
    """A season as everyone sees it."""

    state = one_of(*LIFECYCLE.states, required=True)


class SeasonQuery(PageQuery):
    state = one_of(*LIFECYCLE.states)

"""The shapes of a position."""

from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from shared.schemas import Day, Id, Line, Strict, one_of

ROLES = ("officeholder", "elected", "developer", "other")


class PositionInput(Strict):
    """Where somebody is what, from when until when; both days are days on which they are."""

    class Meta(Strict.Meta):
        include: ClassVar = {"from": Day()}

    organisation_id = Id(required=True)
    role = one_of(*ROLES, required=True)
    title = Line()
    until = Day()
    main = fields.Boolean(load_default=False, metadata={"description": "it counts, of several at the same time"})

    @validates_schema
    def days_are_in_order(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("from") and data.get("until") and data["until"] < data["from"]:
            raise ValidationError({"until": ["Must not be before from."]})


class Position(Schema):
    """A position as the contact shows it."""

    class Meta:
        include: ClassVar = {"from": fields.String(allow_none=True)}

    id = fields.String(required=True)
    organisation_id = fields.String(required=True)
    role = one_of(*ROLES, required=True)
    title = fields.String(allow_none=True)
    until = fields.String(allow_none=True)
    main = fields.Boolean()


class Positions(Schema):
    """A contact's positions, the earliest first."""

    items = fields.List(fields.Nested(Position), required=True)


class EndInput(Strict):
    """Which positions end, and on which day: those that fit all that is given."""

    until = Day(required=True)
    roles = fields.List(one_of(*ROLES), validate=validate.Length(min=1))
    organisation_ids = fields.List(Id(), validate=validate.Length(min=1, max=1000))
    reason = Line(max_length=1000)

    @validates_schema
    def names_some(self, data: dict[str, Any], **_: Any) -> None:
        if not data.get("roles") and not data.get("organisation_ids"):
            raise ValidationError({"roles": ["Give roles, organisation_ids or both: not everybody leaves at once."]})


class EndQuery(Strict):
    dry_run = fields.Boolean(load_default=False)


class Ended(Schema):
    """How many positions end, of whom."""

    ended = fields.Integer(required=True)
    contact_ids = fields.List(fields.String(), required=True)

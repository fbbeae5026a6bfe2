"""The shapes of a succession."""

from marshmallow import Schema, fields, validate

from services.enrolment.organisations.schemas import Organisation
from shared.schemas import Day, Id, Line, Strict


class SuccessionInput(Strict):
    """Who goes on when an organisation ends; of several the first takes its open enrolments and its people."""

    successor_ids = fields.List(Id(), required=True, validate=validate.Length(min=1, max=20))
    ends_on = Day(required=True)
    reason = Line(max_length=1000)


class Passed(Schema):
    """An open enrolment, and into which it goes: itself, or the one that the successor has in that season."""

    enrolment_id = fields.String(required=True)
    into = fields.String(required=True)
    carried_half_days = fields.Integer(required=True)


class Succession(Schema):
    """The organisation that ends, and what its successor goes on with."""

    organisation = fields.Nested(Organisation, required=True)
    enrolments = fields.List(fields.Nested(Passed), required=True)
    contact_ids = fields.List(fields.String(), required=True)

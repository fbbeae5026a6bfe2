"""The shapes of a renewal, and of a season's pipeline."""

from marshmallow import Schema, fields, validate

from services.enrolment.enrolments.domain import LIFECYCLE
from services.enrolment.renewals.domain import USUAL
from shared.schemas import Day, Id, Strict, one_of


class RenewalQuery(Strict):
    dry_run = fields.Boolean(load_default=False)


class RenewalInput(Strict):
    """Whose members go on into this season."""

    from_season_id = Id(required=True)
    states = fields.List(one_of(*LIFECYCLE.states), load_default=lambda: list(USUAL), validate=validate.Length(min=1))
    carry_unused_days = fields.Boolean(load_default=False)


class Renewed(Schema):
    """An organisation that was renewed, or was before."""

    organisation_id = fields.String(required=True)
    previous_enrolment_id = fields.String(required=True)
    enrolment_id = fields.String(allow_none=True, required=True, metadata={"description": "null in a dry run"})
    carried_half_days = fields.Integer(required=True)


class Skipped(Schema):
    """An organisation that is not renewed, and why."""

    organisation_id = fields.String(required=True)
    previous_enrolment_id = fields.String(required=True)
    why = fields.String(required=True)


class Renewals(Schema):
    """What a renewal did, or in a dry run would do."""

    renewed = fields.List(fields.Nested(Renewed), required=True)
    already = fields.List(fields.Nested(Renewed), required=True)
    skipped = fields.List(fields.Nested(Skipped), required=True)


class Comparison(Schema):
    """Organisations by what became of them since an earlier season."""

    from_season_id = fields.String(required=True)
    renewed = fields.List(fields.String(), required=True)
    lost = fields.List(fields.String(), required=True)
    new = fields.List(fields.String(), required=True)
    returned = fields.List(fields.String(), required=True)


class ComparisonQuery(Strict):
    from_season_id = Id(required=True)


class PipelineState(Schema):
    """The enrolments in one state, and how long they have been in it."""

    state = one_of(*LIFECYCLE.states, required=True)
    count = fields.Integer(required=True)
    mean_days = fields.Float(required=True, allow_none=True)
    longest_days = fields.Integer(required=True, allow_none=True)
    by_coordinator = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class Overdue(Schema):
    """An enrolment that somebody meant to be in touch about, or about which nothing has happened for long."""

    enrolment_id = fields.String(required=True)
    organisation_id = fields.String(required=True)
    coordinator = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    days_in_state = fields.Integer(required=True)
    next_contact_on = Day(required=True, allow_none=True)
    last_activity_at = fields.String(required=True)
    why = fields.List(one_of("next_contact", "quiet"), required=True)


class Pipeline(Schema):
    """How a season's enrolments stand."""

    season_id = fields.String(required=True)
    states = fields.List(fields.Nested(PipelineState), required=True)
    overdue = fields.List(fields.Nested(Overdue), required=True)


class PipelineQuery(Strict):
    quiet_days = fields.Integer(load_default=90, validate=validate.Range(min=1, max=1000))

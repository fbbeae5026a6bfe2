"""The shapes of an account of workshop days at HTTP and in messages."""

from marshmallow import Schema, fields, validate

from services.enrolment.workshop_days.domain import CARRIED, KINDS, available
from shared.messaging.changes import Change
from shared.schemas import Instant, Line, Resource, Strict, one_of


class LedgerEntry(Schema):
    """A movement of half days, and its actor."""

    id = fields.String(required=True)
    kind = one_of(*KINDS, required=True)
    carried = one_of(*CARRIED, allow_none=True, metadata={"description": "an adjustment between two seasons"})
    half_days = fields.Integer(required=True)
    event_id = fields.String(allow_none=True, required=True)
    event_version = fields.Integer(
        allow_none=True, required=True, metadata={"description": "the event's version that this answers or follows"}
    )
    reason = fields.String(allow_none=True, required=True)
    at = Instant(required=True)
    by = fields.String(required=True)


class WorkshopDays(Resource):
    """An enrolment's workshop days, all in half days. `id` is the enrolment's."""

    enrolment_id = fields.Function(lambda account: account["_id"], required=True, metadata={"type": "string"})
    granted = fields.Integer(required=True)
    reserved = fields.Integer(required=True)
    used = fields.Integer(required=True)
    available = fields.Function(available, required=True, metadata={"type": "integer"})
    ledger = fields.List(
        fields.Nested(LedgerEntry), required=True, metadata={"description": "the newest 50 entries; all at …/ledger"}
    )


class Movement(Change):
    """The newest entry of the ledger."""

    half_days = fields.Integer(required=True)
    event_id = fields.String(allow_none=True, required=True)


class AdjustmentInput(Strict):
    """Half days to add (or, negative, to take away), and why."""

    half_days = fields.Integer(
        strict=True,
        required=True,
        validate=[validate.Range(min=-1000, max=1000), validate.NoneOf([0], error="An adjustment changes something.")],
    )
    reason = Line(required=True, max_length=1000)

"""The shapes of an explanation at HTTP."""

from marshmallow import Schema, fields

from services.notifications.templates.context import CONTEXT
from shared.schemas import Id, Strict, one_of


class ExplainQuery(Strict):
    event_id = Id()
    template = one_of(*CONTEXT)


class Explanation(Schema):
    """Why a contact got something, would get it, or did not and would not."""

    template = fields.String()
    outcome = fields.String(metadata={"enum": ["sent", "would_send", "not_sent"]})
    why = fields.String(metadata={"description": "the rule that led to it, or a code such as opted_out"})
    delivery_id = fields.String(allow_none=True)

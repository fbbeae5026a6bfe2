"""The shape of a timeline."""

from marshmallow import Schema, fields

from services.enrolment.timeline.entries import KINDS
from shared.schemas import Instant, PageQuery, Several, one_of


class Entry(Schema):
    """What happened, when, by whom; `link` leads to it."""

    id = fields.String(required=True)
    at = Instant(required=True)
    kind = one_of(*KINDS, required=True)
    text = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    by = fields.String(required=True, allow_none=True, metadata={"description": "a `sub`, or the rule that acted"})
    link = fields.String(required=True)


class TimelineQuery(PageQuery):
    """`from` and `to` are moments, both included."""

    class Meta(PageQuery.Meta):
        include = {"from": Instant(), "to": Instant()}  # noqa: RUF012

    kind = Several(one_of(*KINDS))

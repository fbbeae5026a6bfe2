"""The collection of suppressed addresses."""

from marshmallow import fields
from pymongo import IndexModel

from shared.email_address import EmailAddress
from shared.mongo.aggregates import Aggregate, Document
from shared.schemas import Instant, Line, PageQuery, Resource, Strict, one_of

REASONS = ("bounced", "complained", "manual")


class SuppressionInput(Strict):
    email = EmailAddress(required=True)
    reason = one_of(*REASONS, load_default="manual")
    note = Line(max_length=1000)
    expires_at = Instant(allow_none=True, load_default=None, metadata={"description": "for good when null"})


class Suppression(SuppressionInput, Resource):
    """An address that gets nothing, and why."""


class SuppressionSearch(Strict):
    email = fields.String(required=True)


class SuppressionQuery(PageQuery):
    reason = one_of(*REASONS)


SUPPRESSIONS: Aggregate[Document] = Aggregate(
    name="suppression",
    collection="suppressions",
    source="/uso/notifications",
    schema=Suppression,
    indexes=[
        IndexModel("email", name="email", unique=True),
        IndexModel("expires_at", name="ttl", expireAfterSeconds=0),
    ],
    conflict_messages={"email": "This address is suppressed already."},
)

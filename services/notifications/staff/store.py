"""Members of staff as they describe themselves: where their digest goes, and how often."""

from marshmallow import fields
from pymongo import IndexModel

from shared.email_address import EmailAddress
from shared.mongo.aggregates import Aggregate, Document
from shared.schemas import LANGUAGES, Line, Resource, Strict, one_of

RHYTHMS = ("off", "daily", "weekly")


class StaffInput(Strict):
    """What staff say of themselves."""

    name = Line(required=True)
    email = EmailAddress(required=True)
    language = one_of(*LANGUAGES, required=True)
    digest = one_of(*RHYTHMS, load_default="off")


class StaffMember(Resource):
    """The caller; `email` null: nothing was said yet."""

    name = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    language = one_of(*LANGUAGES)
    digest = one_of(*RHYTHMS, metadata={"description": "when new registrations and overdue tasks are told by mail"})


STAFF: Aggregate[Document] = Aggregate(
    name="staff member",
    collection="staff",
    source="/uso/notifications",
    schema=StaffMember,
    # Besides what is shown: `sub` (of their token), `told_until` and `next_digest_at` (of the digest).
    indexes=[
        IndexModel("sub", name="sub", unique=True),
        IndexModel([("digest", 1), ("next_digest_at", 1)], name="due"),
    ],
    conflict_messages={"sub": "You have just saved this from elsewhere. Get it again."},
)

"""The shapes of a delivery at HTTP and in messages."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from services.notifications.deliveries.domain import STATES
from shared.schemas import LANGUAGES, Id, Instant, PageQuery, Resource, Several, one_of


class BecauseShape(Schema):
    """Why there is this delivery."""

    message_id = fields.String(allow_none=True)
    message_type = fields.String(allow_none=True)
    rule = fields.String()
    actor = fields.String(metadata={"description": "the `sub` of the member of staff whose action led to it"})


class Delivery(Resource):
    """A delivery without anything personal: what the topic tells."""

    state = fields.Function(lambda document: shown_state(document), metadata={"enum": list(STATES)})
    channel = one_of("email")
    template = fields.String()
    contact_id = fields.String(allow_none=True)
    language = one_of(*LANGUAGES, allow_none=True)
    event_id = fields.String(allow_none=True)
    registration_id = fields.String(allow_none=True)
    enrolment_id = fields.String(allow_none=True)
    announcement_id = fields.String(allow_none=True)
    resend_of = fields.String(allow_none=True)
    because = fields.Nested(BecauseShape)
    message_id = fields.String(allow_none=True, metadata={"description": "the e-mail's Message-ID"})
    attempts = fields.Integer()
    due_at = Instant(allow_none=True)
    sent_at = Instant(allow_none=True)
    error = fields.String(allow_none=True, metadata={"description": "a code such as smtp_550 or opted_out"})


class ServerReply(Schema):
    """What the mail server said last, with a mark in the place of addresses."""

    code = fields.Integer()
    enhanced_code = fields.String(allow_none=True, metadata={"description": "RFC 3463, such as 5.1.1"})
    text = fields.String()


class ShownDelivery(Delivery):
    """A delivery as staff see it."""

    server = fields.Nested(ServerReply, allow_none=True, dump_default=None)
    template_version = fields.Integer(
        allow_none=True, metadata={"description": "the version of the text that it was written with"}
    )


class DeliveryWithText(ShownDelivery):
    """A delivery and what was written in it: for 90 days, and without the recipient's own links."""

    subject = fields.String(allow_none=True)
    text = fields.String(allow_none=True)


class DeliveryQuery(PageQuery):
    contact_id = Several(Id(), metadata={"description": "those that were merged into it included"})
    event_id = Id()
    registration_id = Id()
    enrolment_id = Id()
    announcement_id = Id()
    state = Several(one_of(*STATES))
    template = fields.String()


def shown_state(document: Mapping[str, Any]) -> str:
    """`sending` is a queued delivery in the hands of the mail server."""
    if document["state"] == "queued" and document.get("handed_over_at"):
        return "sending"
    return str(document["state"])

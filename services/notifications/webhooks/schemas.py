"""The shapes of a webhook and its calls at HTTP."""

from marshmallow import Schema, ValidationError, fields, validate

from services.notifications.webhooks.addresses import MAX_URL
from services.notifications.webhooks.domain import CALL_STATES, KEPT_FOR, LIFECYCLE, TOPICS, is_type
from shared.schemas import Duration, Instant, Line, PageQuery, Resource, Several, Strict, one_of

_TYPES = {"description": f"such as `event.created`, or `event.*`; about {', '.join(TOPICS)}"}


class WebhookInput(Strict):
    """A URL that messages are posted to, signed as Standard Webhooks lays down."""

    url = Line(required=True, max_length=MAX_URL, metadata={"format": "uri"})
    types = fields.List(
        fields.String(validate=[validate.Length(max=81), lambda text: is_type(text) or _refuse(text)]),
        required=True,
        validate=validate.Length(min=1, max=50),
        metadata=_TYPES,
    )
    description = Line(max_length=1000, allow_none=True, load_default=None)


def _refuse(text: str) -> bool:
    raise ValidationError(f"No message type: write event.created or event.*; about {', '.join(TOPICS)}.")


class Webhook(WebhookInput, Resource):
    """A webhook without its secret."""

    state = one_of(*LIFECYCLE.states)
    stopped_because = fields.String(allow_none=True, metadata={"description": "why it is dead, gone or paused"})
    old_secret_until = Instant(
        allow_none=True, metadata={"description": "calls are signed with both secrets until then"}
    )


class WebhookWithSecret(Webhook):
    """A webhook with its secret, which is shown this once."""

    secret = fields.String()


class WebhookQuery(PageQuery):
    state = Several(one_of(*LIFECYCLE.states))


class Rotation(Strict):
    overlap = Duration(
        load_default="P1D",
        at_most=KEPT_FOR,
        metadata={"description": "how long the old secret signs as well; 7 days at most"},
    )


class WebhookReplay(Strict):
    since = Instant(required=True)


class Queued(Schema):
    """What was asked for is done by the workers."""

    webhook_id = fields.String()
    call_id = fields.String(allow_none=True, metadata={"description": "where a ping's outcome will stand"})


class Try(Schema):
    """One attempt, and what the endpoint answered."""

    at = Instant()
    status = fields.Integer(allow_none=True)
    error = fields.String(allow_none=True, metadata={"description": "such as timeout or ConnectionRefusedError"})
    milliseconds = fields.Integer()


class Call(Schema):
    """A message for a webhook, and how it went."""

    id = fields.String(attribute="_id")
    message_id = fields.String()
    type = fields.String()
    key = fields.String(attribute="message_key")
    state = one_of(*CALL_STATES)
    attempts = fields.Integer()
    next_at = Instant(allow_none=True)
    created_at = Instant()
    finished_at = Instant(allow_none=True)
    is_replay = fields.Function(lambda row: bool(row["replay"]), metadata={"type": "boolean"})
    tries = fields.List(fields.Nested(Try), metadata={"description": "the last twenty"})


class CallQuery(PageQuery):
    state = Several(one_of(*CALL_STATES))
    message_id = fields.String(validate=validate.Length(max=200))

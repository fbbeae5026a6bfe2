"""Webhooks, the messages that they wait for, and their calls."""

from pymongo import IndexModel

from services.notifications.webhooks.domain import LIFECYCLE
from services.notifications.webhooks.schemas import Webhook
from shared.messaging.changes import Transition
from shared.mongo.aggregates import Aggregate, Document

WEBHOOKS: Aggregate[Document] = Aggregate(
    name="webhook",
    collection="webhooks",
    source="/uso/notifications",
    schema=Webhook,
    message_types={"webhook.transitioned": Transition},
    lifecycle=LIFECYCLE,
)

MESSAGES = "webhook_messages"
"""Each message that some webhook wants, once: `value` as it stands on its topic. So long it can be replayed."""

CALLS = "webhook_calls"
"""A message for a webhook: `key` (topic and key; calls of one key keep their order), `state`, `attempts`, `next_at`,
`tries` (the last twenty), `first_tried_at`; `replay` tells the calls of a replay apart."""

LINES = "webhook_lines"
"""How a webhook's endpoint does, under its id: `claim` and `claimed_until` (the worker that calls it now), `next_at`
(it rests until then), `failures` in a row, `failing_since`, `replay` (what is still to be called again)."""

_TTL = IndexModel("expires_at", name="ttl", expireAfterSeconds=0)

WEBHOOK_INDEXES = {
    MESSAGES: [
        _TTL,
        IndexModel([("topic", 1), ("key", 1)], name="key"),
        IndexModel([("at", 1), ("_id", 1)], name="at"),
    ],
    CALLS: [
        _TTL,
        IndexModel([("webhook_id", 1), ("message_id", 1), ("replay", 1)], name="once", unique=True),
        IndexModel([("webhook_id", 1), ("state", 1), ("_id", 1)], name="line"),
        IndexModel([("webhook_id", 1), ("state", 1), ("next_at", 1)], name="due"),
        IndexModel([("key", 1), ("state", 1)], name="key"),
    ],
    LINES: [],
}

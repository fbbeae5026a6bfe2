"""The collection of deliveries.

Besides the fields that are shown, a document has: `dedup_key` (unique), `personalisation` (the values that the text
needs from the message), `next_at` (when the delivery is due; a claim moves it on), `claim` (the token of the sender
that has claimed it), `handed_over_at` (the SMTP dialogue has begun, its outcome is not known), `accepted_at` (the
server has taken the mail), `waits` (how often a reference was missing), `unknowns` (how often the outcome stayed
unknown), `lane`, `server` (the mail server's last answer), `correlation_id`, and until `text_expires_at` `subject`
and `text`, with a mark in place of the recipient's own links.
"""

from collections.abc import Sequence
from datetime import datetime

from pymongo import IndexModel

from services.notifications.deliveries.domain import NewDelivery
from services.notifications.deliveries.published import Deliveries
from services.notifications.deliveries.schemas import Delivery
from shared.messaging.changes import Transition
from shared.mongo.aggregates import Document

DELIVERIES = Deliveries(
    name="delivery",
    collection="deliveries",
    source="/uso/notifications",
    topic="uso.notifications.deliveries.v1",
    message_types={"delivery.transitioned": Transition},
    schema=Delivery,
    indexes=[
        IndexModel("dedup_key", name="dedup_key", unique=True),
        IndexModel([("state", 1), ("lane", 1), ("next_at", 1), ("_id", 1)], name="due_by_lane"),
        IndexModel("text_expires_at", name="texts", partialFilterExpression={"text_expires_at": {"$type": "date"}}),
        IndexModel("claim", name="claim", partialFilterExpression={"claim": {"$type": "string"}}),
        IndexModel([("contact_id", 1), ("_id", -1)], name="contact"),
        IndexModel([("event_id", 1), ("_id", -1)], name="event"),
        IndexModel([("registration_id", 1), ("_id", -1)], name="registration"),
        IndexModel([("enrolment_id", 1), ("_id", -1)], name="enrolment"),
        IndexModel([("announcement_id", 1), ("_id", -1)], name="announcement"),
        IndexModel([("state", 1), ("_id", -1)], name="state"),
        IndexModel([("template", 1), ("_id", -1)], name="template"),
    ],
    conflict_messages={"dedup_key": "This delivery has been made already."},
)


def new_document(new: NewDelivery, *, now: datetime, correlation_id: str) -> Document:
    """The document of a delivery that is queued, or scheduled when it is due later."""
    due_at = new.due_at or now
    return {
        "state": "scheduled" if due_at > now else "queued",
        "channel": "email",
        "template": new.template,
        "contact_id": new.contact_id,
        "language": new.language,
        "event_id": new.event_id,
        "registration_id": new.registration_id,
        "enrolment_id": new.enrolment_id,
        "announcement_id": new.announcement_id,
        "resend_of": new.resend_of,
        "because": {
            "message_id": new.because.message_id,
            "message_type": new.because.message_type,
            "rule": new.because.rule,
            "actor": new.because.actor,
        },
        "message_id": None,
        "attempts": 0,
        "due_at": due_at,
        "sent_at": None,
        "error": None,
        "dedup_key": new.dedup_key,
        "personalisation": dict(new.personalisation),
        "lane": new.lane,
        "next_at": due_at + new.delay,
        "claim": None,
        "handed_over_at": None,
        "accepted_at": None,
        "waits": 0,
        "unknowns": 0,
        "server": None,
        "correlation_id": correlation_id,
    }


def in_states(states: Sequence[str]) -> Document:
    """The query for deliveries that are shown in any of these states."""
    # `sending` is a queued delivery in the hands of the mail server.
    handed_over: dict[str, Document] = {
        "queued": {"handed_over_at": None},
        "sending": {"handed_over_at": {"$ne": None}},
    }
    conditions = [{"state": "queued", **handed_over[state]} for state in states if state in handed_over]
    others = [state for state in states if state not in handed_over]
    return {"$or": [*conditions, *([{"state": {"$in": others}}] if others else [])]}

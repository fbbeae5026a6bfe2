"""Deliveries: their states, and the fields of a new delivery. Pure: no I/O, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

STATES = ("scheduled", "queued", "sending", "sent", "delivered", "bounced", "failed", "suppressed", "cancelled")
NO_DELAY = timedelta(0)

# The order of due mails, whenever they were queued: mails that a person waits for at a screen, then mails to
# all people of an event, then mails that can wait.
URGENT, TO_EVERYONE, REMINDERS, ANNOUNCEMENTS = LANES = (0, 1, 2, 3)
LANE_OF_TEMPLATE = {
    "event_changed": TO_EVERYONE,
    "event_cancelled": TO_EVERYONE,
    "invitation": TO_EVERYONE,
    "invitation_reminder": REMINDERS,
    "event_reminder": REMINDERS,
    "certificate": REMINDERS,
    "feedback_request": REMINDERS,
    "announcement": ANNOUNCEMENTS,
}
UNDER_WAY = frozenset({"scheduled", "queued", "sending"})

MOVES = {
    "scheduled": {"queued", "cancelled"},
    # A cancelled delivery becomes sent when the server had taken the mail before the cancellation.
    "queued": {"sent", "failed", "suppressed", "cancelled"},
    "cancelled": {"sent"},
    # The steps that the recipient's server reports afterwards.
    "sent": {"delivered", "bounced"},
    "delivered": {"bounced"},
}


@dataclass(frozen=True, kw_only=True)
class Because:
    """The cause of a delivery: the message and the rule, or (both None) a member of staff."""

    rule: str
    actor: str
    message_id: str | None = None
    message_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewDelivery:
    """An e-mail to write: it holds ids only, and the sender looks up everything else.

    The recipient is `contact_id`, or else the person behind `registration_id`. `dedup_key` is unique for
    ever: no second delivery has it. `personalisation` holds the values that the text needs from the message.
    `delay` gives other topics time to catch up before the delivery is due.
    """

    template: str
    because: Because
    dedup_key: str
    contact_id: str | None = None
    language: str | None = None
    event_id: str | None = None
    registration_id: str | None = None
    enrolment_id: str | None = None
    announcement_id: str | None = None
    resend_of: str | None = None
    due_at: datetime | None = None
    delay: timedelta = NO_DELAY
    personalisation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lane(self) -> int:
        return LANE_OF_TEMPLATE.get(self.template, URGENT)

    @property
    def recipient(self) -> str:
        """The contact's id, or the registration's for a person who is no contact."""
        return self.contact_id or self.registration_id or ""


def dedup_key_for_message(because: Because, recipient: str) -> str:
    """One delivery for each message, rule and recipient."""
    return f"{because.rule}:{because.message_id}:{recipient}"


def dedup_key_for_registration(rule: str, registration_id: str) -> str:
    """One delivery for each registration, even when several messages call for it."""
    return f"{rule}:{registration_id}"


def dedup_key_for_reminder(registration_id: str, due_at: str, starts_at: str) -> str:
    """One reminder for each moment before each start. An event with a new start reminds again."""
    return f"reminder:{registration_id}:{due_at}:{starts_at}"


def may_become(state: str, to: str) -> bool:
    """Whether a delivery in `state` can go to `to`."""
    return to in MOVES.get(state, ())

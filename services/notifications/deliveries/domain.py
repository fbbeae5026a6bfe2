"""Deliveries: their states, and what a new one consists of. Pure: no I/O, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

STATES = ("scheduled", "queued", "sending", "sent", "delivered", "bounced", "failed", "suppressed", "cancelled")
NO_DELAY = timedelta(0)

# Which mail goes first when several are due, whenever they were queued: what somebody waits for at a screen,
# then what a whole event is told, then what can wait.
URGENT, TO_EVERYONE, REMINDERS, ANNOUNCEMENTS = LANES = (0, 1, 2, 3)
LANE_OF_TEMPLATE = {
    "event_changed": TO_EVERYONE,
    "event_cancelled": TO_EVERYONE,
    "event_reminder": REMINDERS,
    "feedback_request": REMINDERS,
    "announcement": ANNOUNCEMENTS,
}
UNDER_WAY = frozenset({"scheduled", "queued", "sending"})

MOVES = {
    "scheduled": {"queued", "cancelled"},
    # A mail that the server took is sent, whatever was decided about it meanwhile.
    "queued": {"sent", "failed", "suppressed", "cancelled"},
    "cancelled": {"sent"},
    # What the recipient's server reports afterwards.
    "sent": {"delivered", "bounced"},
    "delivered": {"bounced"},
}


@dataclass(frozen=True, kw_only=True)
class Because:
    """What caused a delivery: the message and the rule, or (both None) a member of staff."""

    rule: str
    actor: str
    message_id: str | None = None
    message_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewDelivery:
    """An e-mail that ought to be written: ids only, everything else is looked up when it is sent.

    The recipient is `contact_id`, or else the person behind `registration_id`. `dedup_key` is unique for
    ever: a second delivery with it is not made. `personalisation` is what the text needs of the message itself.
    `delay` leaves other topics some time to catch up before it is looked at.
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
    """One delivery for each registration, whichever message the rule first saw it in."""
    return f"{rule}:{registration_id}"


def dedup_key_for_reminder(registration_id: str, due_at: str, starts_at: str) -> str:
    """One reminder for each moment before each start, however the lead is written; a moved event reminds again."""
    return f"reminder:{registration_id}:{due_at}:{starts_at}"


def may_become(state: str, to: str) -> bool:
    """Whether a delivery in `state` can go to `to`."""
    return to in MOVES.get(state, ())

"""Which people get no mail, and when the sender gives a mail up. Pure: no I/O, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

CLAIM = timedelta(seconds=60)
BATCH = 100  # claiming and looking up cost the same for one delivery as for many

# A worker or a relay may be away for so long without loss: a resource of a delivery may arrive that late.
MISSING_LIMIT = timedelta(days=3)
REFUSED_LIMIT = timedelta(days=5)  # RFC 5321, 4.5.4.1: give up after four to five days
# A mail that breaks the connection after its content may have arrived each time: no recipient wants it six times.
UNKNOWN_LIMIT = 5
# A paused announcement's deliveries are looked at again after this: so long does resuming take.
HELD_WAIT = timedelta(seconds=5)


# Mails about a place. A person who has given up the place gets none of them.
_ABOUT_A_PLACE = frozenset(
    {
        "registration_confirmed",
        "registration_waitlisted",
        "registration_offered",
        "registration_promoted",
        "registration_transferred",
        "event_changed",
        "event_reminder",
    }
)


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A resource that the delivery refers to has not arrived yet."""

    what: str


@dataclass(frozen=True, kw_only=True)
class Held:
    """The delivery waits: its announcement is paused, or it is night."""

    wait: timedelta


@dataclass(frozen=True, kw_only=True)
class NotToBeSent:
    """The delivery ends here, in `state`."""

    state: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """The facts at the moment of sending. Resources are None for a delivery without them."""

    is_suppressed: bool
    has_opted_out: bool
    event: Mapping[str, Any] | None
    registration: Mapping[str, Any] | None
    invitation: Mapping[str, Any] | None
    event_has_check_in: bool
    now: datetime


def why_not(template: str, personalisation: Mapping[str, Any], seen: Circumstances) -> NotToBeSent | None:
    """The reason why a delivery is not sent after all; None when it is sent."""
    if seen.is_suppressed:
        return NotToBeSent(state="suppressed", error="suppressed_address")
    if seen.has_opted_out:
        return NotToBeSent(state="suppressed", error="opted_out")
    overtaken = _overtaken(template, personalisation, seen)
    return NotToBeSent(state="cancelled", error=overtaken) if overtaken else None


def _overtaken(template: str, personalisation: Mapping[str, Any], seen: Circumstances) -> str | None:
    event, registration = seen.event or {}, seen.registration or {}
    if template in _ABOUT_A_PLACE:
        if registration.get("state") == "cancelled":
            return "registration_cancelled"
        if event.get("state") == "cancelled":
            return "event_cancelled"
    if template in ("invitation", "invitation_reminder"):
        return _invitation_overtaken(event, seen.invitation or {}, seen.now)
    if template == "event_reminder":
        return _reminder_overtaken(personalisation, event, registration, seen.now)
    if template == "feedback_request" and seen.event_has_check_in and registration.get("state") != "attended":
        return "not_attended"
    if template == "certificate" and registration.get("state") != "attended":
        return "not_attended"
    return None


def _invitation_overtaken(event: Mapping[str, Any], invitation: Mapping[str, Any], now: datetime) -> str | None:
    if invitation.get("state", "sent") != "sent":
        return f"invitation_{invitation['state']}"
    if event.get("state") != "published":
        return f"event_{event.get('state')}"
    return "event_started" if event["starts_at"] <= now else None


def _reminder_overtaken(
    personalisation: Mapping[str, Any], event: Mapping[str, Any], registration: Mapping[str, Any], now: datetime
) -> str | None:
    if event.get("state") != "published":
        return f"event_{event.get('state')}"
    if event["starts_at"] <= now:
        return "event_started"
    starts_at = personalisation.get("starts_at")
    if starts_at is not None and datetime.fromisoformat(starts_at) != event["starts_at"]:
        return "event_moved"
    if registration.get("state") != "confirmed":
        return f"registration_{registration.get('state')}"
    return None

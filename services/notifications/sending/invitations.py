"""The calendar entry that goes with a mail (iTIP, RFC 5546)."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from services.notifications.mail import address_of
from services.notifications.sending.delivery_subject import DeliverySubject
from services.notifications.templates.defaults import in_language
from shared.calendars import calendar, calendar_entry, stamped, with_attendee

PRODUCT_ID = "-//USO//Notifications//EN"
WITH_CALENDAR = {
    "registration_confirmed": "REQUEST",
    "registration_promoted": "REQUEST",
    "registration_transferred": "REQUEST",
    "event_changed": "REQUEST",
    "event_cancelled": "CANCEL",
    "registration_cancelled": "CANCEL",
}
# The event goes on without the recipient: the entry has no STATUS:CANCELLED (RFC 5546, 3.2.5).
STATUS: Mapping[str, str | None] = {"event_cancelled": "CANCELLED", "registration_cancelled": None}


def calendar_of(
    subject: DeliverySubject, language: str, *, sender: str, attendee: str, made_at: datetime
) -> tuple[str | None, bytes | None]:
    """The iTIP method and the calendar of this mail; (None, None) for a mail without an invitation.

    DTSTAMP is `made_at`: of two entries with the same SEQUENCE the later mail's replaces the earlier
    (RFC 5545, 3.8.7.2; RFC 5546, 2.1.5). So a person who registers, cancels and registers again has the entry.
    """
    method, event = WITH_CALENDAR.get(subject.template), subject.event
    if method is None or event is None or not _has_it_in_the_calendar(subject):
        return None, None
    known = event.get("calendar") or {}
    same_for_all = _invitation(
        method,
        uid=known.get("uid") or event["_id"],
        sequence=int(max(known.get("sequence") or 0, (subject.registration or {}).get("calendar_sequence") or 0)),
        status=STATUS.get(subject.template, "CONFIRMED"),
        summary=in_language(event.get("title"), language),
        description=in_language(event.get("description"), language),
        location=in_language(event.get("venue"), language),
        url=event.get("online_url"),
        starts_at=event["starts_at"],
        ends_at=event["ends_at"],
        timezone=event.get("timezone") or "UTC",
        updated_at=event.get("updated_at") or event["starts_at"],
        organizer=address_of(sender),
    )
    return method, stamped(with_attendee(same_for_all, _in_a_uri(attendee)), made_at)


@lru_cache(maxsize=128)
def _invitation(method: str, **entry: Any) -> bytes:
    return calendar([calendar_entry(**entry)], method=method, product_id=PRODUCT_ID)


def _in_a_uri(address: str) -> str:
    """The mailto address, with other characters than ASCII percent-encoded (RFC 6068, 2)."""
    return address if address.isascii() else quote(address, safe="@!$&'*+-/=?^_`{|}~.")


def _has_it_in_the_calendar(subject: DeliverySubject) -> bool:
    """Whether the recipient has got the entry before: a person who only stood in line has not."""
    if subject.template == "registration_cancelled":
        return bool(subject.personalisation.get("was_confirmed"))
    if subject.template in ("event_changed", "event_cancelled"):
        return (subject.registration or {}).get("state") != "waitlisted"
    return True

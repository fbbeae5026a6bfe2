"""The calendar entry that goes with a mail (iTIP, RFC 5546)."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parseaddr
from functools import lru_cache
from typing import Any
from urllib.parse import quote

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
# The recipient alone is taken out of the entry, which goes on without them: no STATUS (RFC 5546, 3.2.5).
STATUS: Mapping[str, str | None] = {"event_cancelled": "CANCELLED", "registration_cancelled": None}


def calendar_of(
    subject: DeliverySubject, language: str, *, sender: str, attendee: str, made_at: datetime
) -> tuple[str | None, bytes | None]:
    """The iTIP method and the calendar that go with this mail; (None, None) without one.

    DTSTAMP is `made_at`: with the same SEQUENCE, the entry of a later mail replaces that of an earlier one
    (RFC 5545, 3.8.7.2; RFC 5546, 2.1.5), so that register, cancel, register again ends in the calendar.
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
        organizer=parseaddr(sender)[1],
    )
    return method, stamped(with_attendee(same_for_all, _in_a_uri(attendee)), made_at)


@lru_cache(maxsize=128)
def _invitation(method: str, **entry: Any) -> bytes:
    return calendar([calendar_entry(**entry)], method=method, product_id=PRODUCT_ID)


def _in_a_uri(address: str) -> str:
    """RFC 6068, 2: what is not ASCII is percent-encoded."""
    return address if address.isascii() else quote(address, safe="@!$&'*+-/=?^_`{|}~.")


def _has_it_in_the_calendar(subject: DeliverySubject) -> bool:
    """Whether the recipient got the entry before: who only stood in line did not."""
    if subject.template == "registration_cancelled":
        return bool(subject.personalisation.get("was_confirmed"))
    if subject.template in ("event_changed", "event_cancelled"):
        return (subject.registration or {}).get("state") != "waitlisted"
    return True

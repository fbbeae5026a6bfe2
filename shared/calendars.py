"""iCalendar objects (RFC 5545) that calendar programs add, update and remove (iTIP, RFC 5546). Pure."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vDuration, vText, vUri

from shared.vtimezones import vtimezone

STATUSES = ("CONFIRMED", "TENTATIVE", "CANCELLED")
# How often a program that subscribes asks again (RFC 7986, 5.7; Outlook reads the older X-PUBLISHED-TTL).
REFRESH = timedelta(hours=1)
METHODS = ("PUBLISH", "REQUEST", "CANCEL")

_UTC_NAMES = frozenset({"UTC", "Etc/UTC", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal", "UCT", "Etc/UCT"})
_LINE_END = re.compile(r"\r\n?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_DTSTAMP = re.compile(rb"\r\nDTSTAMP:[^\r]*\r\n")


def calendar_entry(
    *,
    uid: str,
    sequence: int,
    status: str | None,
    summary: str,
    description: str | None,
    location: str | None,
    url: str | None,
    starts_at: datetime,
    ends_at: datetime,
    timezone: str,
    updated_at: datetime,
    organizer: str | None = None,
    attendee: str | None = None,
) -> Event:
    """A VEVENT at the given instants, on the clocks of `timezone`; DTSTAMP and LAST-MODIFIED are `updated_at`.

    `status` is None in a CANCEL that takes one attendee off the list while the event goes on (RFC 5546, 3.2.5).
    `url` is the address of the online meeting. It stands in URL, in CONFERENCE (RFC 7986, 5.11), under the
    description, and in LOCATION where there is no other: calendar programs differ in which of them they show.
    Texts come back unchanged from any parser, but for control characters (RFC 5545, 3.3.11 has none) and
    line ends, which become one line feed. A `url` that is not one of http or https is left out; empty
    texts are too. `organizer` and `attendee` are e-mail addresses; RFC 5546 wants both for REQUEST, and an
    organizer for CANCEL. Raises ValueError for naive datetimes, an unknown status or an address with a
    line break, ZoneInfoNotFoundError for an unknown zone.
    """
    if status is not None and status not in STATUSES:
        raise ValueError(f"A calendar entry cannot be {status}.")
    if any(moment.tzinfo is None for moment in (starts_at, ends_at, updated_at)):
        raise ValueError("The times of a calendar entry need a time zone.")
    event = Event()
    event.add("uid", _text(uid))
    event.add("sequence", sequence)
    if status is not None:
        event.add("status", status)
    event.add("dtstamp", _whole(updated_at, UTC))
    event.add("last-modified", _whole(updated_at, UTC))
    zone = _zone_that_can_write(timezone, starts_at, ends_at)
    event.add("dtstart", _whole(starts_at, zone))
    event.add("dtend", _whole(ends_at, zone))
    if url and _is_web_address(url):
        event.add("url", vUri(url))
        event.add("conference", vUri(url), parameters={"VALUE": "URI", "FEATURE": "VIDEO"})
        description = f"{description}\n\n{url}" if description else url
        location = location or url
    for name, text in (("summary", summary), ("description", description), ("location", location)):
        if text:
            event.add(name, _text(text))
    if organizer:
        event.add("organizer", _address(organizer))
    if attendee:
        event.add("attendee", _attendee(attendee))
    return event


def calendar(entries: Iterable[Event], *, method: str, product_id: str, name: str | None = None) -> bytes:
    """A VCALENDAR of these entries with the VTIMEZONE of each zone in use: UTF-8, CRLF, folded lines.

    `name` is what programs call it when they subscribe (RFC 7986, 5.1, and the older X-WR-CALNAME).
    Raises ValueError for a method other than PUBLISH, REQUEST and CANCEL.
    """
    if method not in METHODS:
        raise ValueError(f"A calendar cannot have the method {method}.")
    events = list(entries)
    whole = Calendar()
    whole.add("version", "2.0")
    whole.add("prodid", _text(product_id))
    whole.add("calscale", "GREGORIAN")
    whole.add("method", method)
    if name:
        whole.add("name", vText(_text(name)))
        whole.add("x-wr-calname", vText(_text(name)))
        whole.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
        whole.add("x-published-ttl", vDuration(REFRESH))
    for zone, (first, last) in sorted(_years_by_zone(events).items()):
        whole.add_component(vtimezone(zone, first, last))
    for event in events:
        whole.add_component(event)
    return bytes(whole.to_ical())


def with_attendee(whole: bytes, address: str) -> bytes:
    """A calendar's entries with this e-mail address as an attendee. Raises ValueError for one with a line break.

    Making the entry once and adding its attendees is what makes a crowd's invitations cheap.
    """
    if " " in address or not address.isprintable():  # of all spaces only this one counts as printable
        raise ValueError("An e-mail address has no spaces or line breaks.")
    # As `_attendee` writes it, in a tenth of the time.
    attendee = f"ATTENDEE;PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT;RSVP=FALSE:mailto:{address}"
    line = _folded(attendee) + b"\r\nEND:VEVENT\r\n"
    return whole.replace(b"\r\nEND:VEVENT\r\n", b"\r\n" + line)  # no text can have that line: folds begin with a space


def stamped(whole: bytes, made_at: datetime) -> bytes:
    """The calendar with `moment` as DTSTAMP: with a METHOD it says when it was made (RFC 5545, 3.8.7.2)."""
    return _DTSTAMP.sub(made_at.astimezone(UTC).strftime("\r\nDTSTAMP:%Y%m%dT%H%M%SZ\r\n").encode(), whole)


def _text(text: str) -> str:
    plain = _CONTROL.sub("", _LINE_END.sub("\n", text))
    return plain.encode("utf-8", "replace").decode("utf-8")


def _whole(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(microsecond=0)


def _zone_that_can_write(name: str, *moments: datetime) -> tzinfo:
    """The zone, or UTC where its clocks show the same twice: a local time then means the first (3.3.5)."""
    zone = ZoneInfo(name)
    ambiguous = any(moment.astimezone(zone).fold for moment in moments)
    return UTC if ambiguous or name in _UTC_NAMES else zone


def _is_web_address(url: str) -> bool:
    if any(character.isspace() or not character.isprintable() for character in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _address(address: str) -> vCalAddress:
    if " " in address or not address.isprintable():  # of all spaces only this one counts as printable
        raise ValueError("An e-mail address has no spaces or line breaks.")
    return vCalAddress(f"mailto:{address}")


def _attendee(address: str) -> vCalAddress:
    """The recipient has accepted already by registering: programs need not ask for an answer."""
    attendee = _address(address)
    attendee.params.update({"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"})
    return attendee


def _folded(line: str) -> bytes:
    """A content line in pieces of 74 octets, none of them inside of a character (RFC 5545, 3.1)."""
    octets = line.encode()
    pieces = []
    while len(octets) > 74:
        end = 74
        while octets[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(octets[:end])
        octets = octets[end:]
    return b"\r\n ".join([*pieces, octets])


def _years_by_zone(events: Iterable[Event]) -> dict[str, tuple[int, int]]:
    years: dict[str, tuple[int, int]] = {}
    for event in events:
        start: Any = event["dtstart"]
        end: Any = event["dtend"]
        zone = start.params.get("TZID")
        if zone:
            first, last = years.get(zone, (start.dt.year, end.dt.year))
            years[zone] = (min(first, start.dt.year), max(last, end.dt.year))
    return years

"""Teams' attendance report as rows: UTF-16 with tabs or UTF-8 with commas, in English, Finnish or Swedish. Pure."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

# The headings that Teams writes, in the language of the person who downloads the report.
NAMES = ("name", "full name", "nimi", "koko nimi", "namn", "fullständigt namn")
ADDRESSES = ("email", "e-mail", "sähköposti", "sähköpostiosoite", "e-post", "e-postadress")
DURATIONS = ("in-meeting duration", "duration", "attendance duration", "kesto", "kesto kokouksessa", "kokouksen kesto",
             "varaktighet", "varaktighet i mötet", "mötets varaktighet")  # fmt: skip
_PARTS = re.compile(r"(\d+)\s*(h|t|tim|min|m|s|sek)\b\.?", re.IGNORECASE)
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d)")
_SECONDS = {"h": 3600, "t": 3600, "tim": 3600, "min": 60, "m": 60, "s": 1, "sek": 1}


@dataclass(frozen=True, kw_only=True)
class Attendee:
    name: str
    email: str | None
    seconds: int


def read_report(body: bytes) -> list[Attendee]:
    """The people of a report; a person who joined several times is there once, with the sum of the times.

    Raises ValueError for a text that is no such report.
    """
    rows = _rows(body)
    start = next((number for number, row in enumerate(rows) if _column(row, NAMES) is not None and len(row) > 2), None)
    if start is None:
        raise ValueError("No heading with names was found: upload the attendance report as Teams writes it.")
    name, address, duration = (_column(rows[start], words) for words in (NAMES, ADDRESSES, DURATIONS))
    if duration is None:
        raise ValueError("No column with the time in the meeting was found.")
    found: dict[tuple[str, str | None], int] = {}
    for row in rows[start + 1 :]:
        if len(row) <= max(name or 0, duration):  # the next part of the report begins
            break
        email = row[address].strip().lower() if address is not None and len(row) > address else ""
        who = (row[name or 0].strip(), email or None)
        found[who] = found.get(who, 0) + seconds_in(row[duration])
    return [Attendee(name=who[0], email=who[1], seconds=seconds) for who, seconds in found.items() if who[0] or who[1]]


def seconds_in(text: str) -> int:
    """The duration of `1h 2m 3s`, `1 t 2 min 3 s` or `1:02:03`; zero for another text."""
    clock = _CLOCK.search(text)
    if clock:
        hours, minutes, seconds = map(int, clock.groups())
        return hours * 3600 + minutes * 60 + seconds
    return sum(int(number) * _SECONDS[unit.lower()] for number, unit in _PARTS.findall(text))


def _rows(body: bytes) -> list[list[str]]:
    encoding = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError("The report must be in UTF-16 or UTF-8, as Teams writes it.") from error
    delimiter = "\t" if "\t" in text else (";" if text.count(";") > text.count(",") else ",")
    try:
        return [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ValueError("The report is not a table.") from error


def _column(row: Sequence[str], words: Sequence[str]) -> int | None:
    headings = [cell.strip().lower() for cell in row]
    return next((headings.index(word) for word in words if word in headings), None)

"""Instants as text."""

from datetime import UTC, datetime


def instant_text(moment: datetime) -> str:
    """RFC 3339 in UTC with a `Z`; milliseconds only where there are some."""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    milliseconds = moment.microsecond // 1000
    return f"{moment.year:04d}{moment:-%m-%dT%H:%M:%S}" + (f".{milliseconds:03d}Z" if milliseconds else "Z")


def parse_instant(text: str) -> datetime:
    """The instant that `instant_text` wrote."""
    return datetime.fromisoformat(text)

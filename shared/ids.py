"""Identifiers and the clock, each in the one form that the whole system uses."""

from datetime import UTC, datetime

import uuid_utils


def new_id() -> str:
    """A UUIDv7 (RFC 9562) in its canonical text form: unique, and ordered by the time it was made."""
    return str(uuid_utils.uuid7())


def is_id(text: object) -> bool:
    """Whether `text` has the canonical form of a UUID."""
    if not isinstance(text, str) or len(text) != 36:
        return False
    try:
        return str(uuid_utils.UUID(text)) == text
    except ValueError:
        return False


def utc_now() -> datetime:
    """The present instant in UTC, in whole milliseconds (what MongoDB keeps)."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)

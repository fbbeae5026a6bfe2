"""When a call is tried again, and when an endpoint is given up."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from shared.backoff import backoff

# Standard Webhooks, "Deliverability and reliability": over multiple days, so that a weekend's outage loses nothing.
GIVE_UP_AFTER = timedelta(days=3)
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 5.0, 4 * 3600.0
# An endpoint that is down is asked again at least every ten minutes: so soon it gets its messages when it is back.
FIRST_REST_SECONDS, LAST_REST_SECONDS = 2.0, 600.0
# The longest Retry-After that is obeyed: a mistyped one must not silence an endpoint until it is dead.
LONGEST_RETRY_AFTER = timedelta(days=1)


def wait_for_the_call(attempts: int) -> timedelta:
    """Until a call that was not taken is tried again: seconds, growing to four hours."""
    return timedelta(seconds=backoff(attempts, first=FIRST_RETRY_SECONDS, most=LAST_RETRY_SECONDS))


def wait_for_the_endpoint(failures: int) -> timedelta:
    """Until an endpoint that took nothing is called again at all."""
    return timedelta(seconds=backoff(failures, first=FIRST_REST_SECONDS, most=LAST_REST_SECONDS))


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """The wait that an answer asks for (RFC 9110, 10.2.3: seconds or a date), a day at most; None without one."""
    if header is None:
        return None
    text = header.strip()
    try:
        wait = timedelta(seconds=int(text)) if text.isdecimal() else _until(text, now)
    except (ValueError, OverflowError):
        return None
    return max(timedelta(0), min(wait, LONGEST_RETRY_AFTER))


def _until(text: str, now: datetime) -> timedelta:
    at = parsedate_to_datetime(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) - now

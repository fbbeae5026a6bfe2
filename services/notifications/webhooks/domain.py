"""Webhooks: their states, the message types that they can have, and when a call is tried again. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from shared.backoff import backoff
from shared.errors import Conflict
from shared.state_machine import StateMachine

LIFECYCLE = StateMachine(
    name="webhook",
    steps={
        "active": {"paused", "dead", "gone"},
        "paused": {"active"},
        # No call was taken for three days. What came meanwhile is called once it is active again.
        "dead": {"active"},
        # The endpoint has answered 410: it wants nothing any more, and nothing is gathered for it.
        "gone": {"active"},
    },
)
FOR_PEOPLE = frozenset({"active", "paused"})
CALL_STATES = ("waiting", "delivered", "failed", "erased")

TOPICS: Mapping[str, str] = {
    "organisation": "uso.enrolment.organisations.v1",
    "contact": "uso.enrolment.contacts.v1",
    "season": "uso.enrolment.seasons.v1",
    "enrolment": "uso.enrolment.enrolments.v1",
    "situation_analysis": "uso.enrolment.enrolments.v1",
    "workshop_days": "uso.enrolment.workshop-days.v1",
    "task": "uso.enrolment.tasks.v1",
    "event": "uso.events.events.v1",
    "registration": "uso.events.registrations.v1",
    "feedback": "uso.events.registrations.v1",
    "announcement": "uso.notifications.announcements.v1",
}
"""The nouns in message types, and where their messages are. Deliveries are too many to be called one by one."""

ERASED = "erased"
_TYPE = re.compile(r"(?P<noun>[a-z_]{1,40})\.(?:[a-z_]{1,40}|\*)")

# Standard Webhooks, "Deliverability and reliability": over multiple days, so that a weekend's outage loses nothing.
GIVE_UP_AFTER = timedelta(days=3)
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 5.0, 4 * 3600.0
# An endpoint that is down is asked again at least every ten minutes: so soon it gets its messages when it is back.
FIRST_REST_SECONDS, LAST_REST_SECONDS = 2.0, 600.0
# The longest Retry-After that is obeyed: a mistyped one must not silence an endpoint until it is dead.
LONGEST_RETRY_AFTER = timedelta(days=1)
ROTATION_OVERLAP = timedelta(days=1)


def is_type(text: str) -> bool:
    """Whether webhooks can have messages of this type: `event.created`, or `event.*` for all about events."""
    found = _TYPE.fullmatch(text)
    return found is not None and found["noun"] in TOPICS


def wants(types: Sequence[str], type: str) -> bool:
    """Whether a message of this type is among them."""
    return type in types or f"{type.partition('.')[0]}.*" in types


def erasure_type(topic: str) -> str:
    """The type of the call that tells of a tombstone on `topic`."""
    return f"{next(noun for noun, of in TOPICS.items() if of == topic)}.{ERASED}"


def check_is_for_people(to: str) -> None:
    """Raises Conflict for the steps that only an endpoint's answers lead to."""
    if to not in FOR_PEOPLE:
        raise Conflict(f"A webhook becomes {to} by its endpoint's answers alone.")


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

"""Webhooks: their states, and the message types that they can have. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

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
    "invitation": "uso.events.invitations.v1",
    "feedback": "uso.events.registrations.v1",
    "announcement": "uso.notifications.announcements.v1",
}
"""The nouns in message types, and where their messages are. Deliveries are too many to be called one by one."""

KEPT_FOR = timedelta(days=7)
"""A message stays so long, for replays; a secret that was replaced signs so long at most."""

ERASED = "erased"
_TYPE = re.compile(r"(?P<noun>[a-z_]{1,40})\.(?:[a-z_]{1,40}|\*)")


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

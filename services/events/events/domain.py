"""What an event may become, and what of it may still be changed. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import Conflict
from shared.state_machine import StateMachine

KINDS = ("webinar", "seminar", "workshop")
ROLES = ("officeholder", "elected", "developer", "other")

# The steps that staff ask for; enrolment's answer takes a workshop from awaiting_days to published or refused.
LIFECYCLE = StateMachine(
    name="event",
    steps={
        "draft": {"published", "cancelled"},
        "awaiting_days": {"cancelled"},
        "published": {"completed", "cancelled"},
        "refused": {"published", "cancelled"},
        "completed": set(),
        "cancelled": set(),
    },
)
SETTLED_ONCE_ASKED_FOR = ("kind", "enrolment_id", "days")


class NotChangeable(Conflict):
    """The event's state does not allow the change."""


@dataclass(frozen=True)
class Answer:
    """What enrolment said to a workshop's request for days."""

    granted: bool
    reason: str | None


def next_state(kind: str, state: str, to: str) -> str:
    """The state that `to` leads to: a workshop waits for its days before it is published.

    An event may be completed before its end: whoever says that it is over knows better than the calendar.
    Raises IllegalTransition, Invalid.
    """
    LIFECYCLE.check(state, to)
    return "awaiting_days" if kind == "workshop" and to == "published" else to


def check_changeable(event: Mapping[str, Any]) -> None:
    """Raises NotChangeable once an event is over, and for the moment in which enrolment considers its days."""
    if LIFECYCLE.is_final(event["state"]):
        raise NotChangeable(f"This event is {event['state']}: it stays as it is.")
    if event["state"] == "awaiting_days":
        raise NotChangeable("This workshop is waiting for its days. Try again when it has its answer.", retry_after=1)


def check_settled(event: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """Raises NotChangeable when `fields` would change what enrolment has already been asked about."""
    if event["state"] in ("draft", "refused"):
        return
    for name in SETTLED_ONCE_ASKED_FOR:
        if event.get(name) != fields.get(name):
            raise NotChangeable(f"`{name}` can be changed in a draft or a refused workshop only.")


def answer_to(event: Mapping[str, Any], ledger: Iterable[Mapping[str, Any]]) -> Answer | None:
    """Enrolment's answer to the request that the event waits for; None when there is none (yet).

    An answer to an earlier request of the same event (before it was refused and asked for again) does not count.
    """
    if event["state"] != "awaiting_days":
        return None
    for entry in ledger:
        if (
            entry.get("event_id") == event["_id"]
            and entry.get("kind") in ("reserved", "refused")
            and (entry.get("event_version") or 0) >= event["awaiting_since_version"]
        ):
            return Answer(granted=entry["kind"] == "reserved", reason=entry.get("reason"))
    return None


def seats_grow(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a change of the event may let somebody in who is waiting."""
    return any(
        before.get(name) is not None and (after.get(name) is None or after[name] > before[name])
        for name in ("capacity", "max_per_organisation")
    )

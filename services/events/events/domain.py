"""The states of an event, and the fields that may change in each. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import Conflict
from shared.state_machine import StateMachine

KINDS = ("webinar", "seminar", "workshop")
ROLES = ("officeholder", "elected", "developer", "other")

# The steps that staff take. Enrolment's answer moves a workshop from awaiting_days to published or refused.
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
    """Enrolment's answer to a workshop's request for days."""

    granted: bool
    reason: str | None


def next_state(kind: str, state: str, to: str) -> str:
    """The state that `to` leads to: a workshop waits for its days before it is published.

    Staff may complete an event before its planned end: they know when it was over.
    Raises IllegalTransition, Invalid.
    """
    LIFECYCLE.check(state, to)
    return "awaiting_days" if kind == "workshop" and to == "published" else to


def check_changeable(event: Mapping[str, Any]) -> None:
    """Raises NotChangeable for an event that is over, and for a workshop that waits for enrolment's answer."""
    if LIFECYCLE.is_final(event["state"]):
        raise NotChangeable(f"This event is {event['state']}: it can no longer be changed.")
    if event["state"] == "awaiting_days":
        raise NotChangeable("This workshop waits for its days. Try again when enrolment has answered.", retry_after=1)


def check_settled(event: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """Raises NotChangeable when `fields` changes what has been relied on: a workshop's days, the seats online."""
    if event["state"] in ("draft", "refused"):
        return
    if event.get("online_capacity") is not None and fields.get("online_capacity") is None:
        raise NotChangeable("People may have chosen to come online: raise or lower online_capacity, but keep it.")
    for name in SETTLED_ONCE_ASKED_FOR:
        if event.get(name) != fields.get(name):
            raise NotChangeable(f"`{name}` can be changed in a draft or a refused workshop only.")


def answer_to(event: Mapping[str, Any], ledger: Iterable[Mapping[str, Any]]) -> Answer | None:
    """Enrolment's answer to the event's latest request for days; None while there is no answer.

    An answer to an earlier request (the event was refused, and asked again) does not count.
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
    """Whether the change may free a seat for a person in line."""
    if (before.get("held_seats") or []) != (after.get("held_seats") or []):
        return True
    return any(
        before.get(name) is not None and (after.get(name) is None or after[name] > before[name])
        for name in ("capacity", "online_capacity", "max_per_organisation")
    )

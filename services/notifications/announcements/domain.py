"""Announcements: their states, and the language for a recipient. Pure."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Conflict
from shared.state_machine import StateMachine

LIFECYCLE = StateMachine(
    name="announcement",
    steps={
        "draft": {"scheduled", "cancelled"},
        "scheduled": {"draft", "sending", "cancelled"},
        "sending": {"paused", "sent", "cancelled"},
        "paused": {"sending", "cancelled"},
        "sent": set(),
        "cancelled": set(),
    },
)
FALL_BACK = ("fi", "sv", "en")
CHANGEABLE = frozenset({"draft", "scheduled"})


def check_can_be_changed(announcement: Mapping[str, Any]) -> None:
    """Raises Conflict once sending has begun: all recipients get the same text."""
    if announcement["state"] not in CHANGEABLE:
        raise Conflict(
            f"This announcement is {announcement['state']}: its text and recipients can no longer be changed."
        )


def check_is_for_people(to: str) -> None:
    """Raises Conflict for `sent`: the sending itself takes that step."""
    if to == "sent":
        raise Conflict("An announcement becomes sent when its last mail has left.")


def language_of(announcement: Mapping[str, Any], wanted: str) -> str:
    """The recipient's language if the announcement has it, otherwise the first of fi, sv and en that it has.

    The whole mail is in that language: languages are never mixed.
    """
    there = [language for language in FALL_BACK if language in announcement["subject"]]
    return wanted if wanted in there else there[0]

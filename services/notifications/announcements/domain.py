"""Announcements: their states, and the language that a recipient gets one in. Pure."""

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
    """Raises Conflict once it is being sent: all recipients get the same."""
    if announcement["state"] not in CHANGEABLE:
        raise Conflict(f"This announcement is {announcement['state']}: its text and recipients stand.")


def check_is_for_people(to: str) -> None:
    """Raises Conflict for the step that sending itself takes."""
    if to == "sent":
        raise Conflict("An announcement becomes sent by itself, when its last mail has left.")


def language_of(announcement: Mapping[str, Any], wanted: str) -> str:
    """The recipient's language where the text has it, or else the first of fi, sv and en that it has.

    The whole mail is in that language: there is no mixture.
    """
    there = [language for language in FALL_BACK if language in announcement["subject"]]
    return wanted if wanted in there else there[0]

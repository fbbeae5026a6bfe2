"""The states of an invitation. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.errors import Conflict
from shared.state_machine import StateMachine

# A person who declined may still find the time, or a colleague.
LIFECYCLE = StateMachine(
    name="invitation",
    steps={
        "sent": {"accepted", "declined", "replaced"},
        "accepted": set(),
        "declined": {"accepted", "replaced"},
        "replaced": set(),
    },
)


class NotInviting(Conflict):
    """The event takes no invitations and no answers at this moment."""


def check_invites(event: Mapping[str, Any], now: datetime) -> None:
    """Raises NotInviting unless the event is published and has not begun."""
    if event["state"] != "published":
        raise NotInviting(f"This event invites nobody: it is {event['state']}.")
    if now >= event["starts_at"]:
        raise NotInviting("This event has begun.")


def answers_of(invitation: Mapping[str, Any], event: Mapping[str, Any], now: datetime) -> list[str]:
    """The states that the invited person's answer can lead to."""
    if event["state"] != "published" or now >= event["starts_at"]:
        return []
    return sorted(LIFECYCLE.steps[invitation["state"]])

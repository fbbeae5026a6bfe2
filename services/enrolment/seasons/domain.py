"""The states of a season. Pure."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Conflict
from shared.state_machine import StateMachine

LIFECYCLE = StateMachine(
    name="season", steps={"draft": {"open"}, "open": {"running"}, "running": {"closed"}, "closed": set()}
)
TAKES_ENROLMENTS = frozenset({"open", "running"})


class NotTakingEnrolments(Conflict):
    """The season has not been opened yet, or is over."""


def check_takes_enrolments(season: Mapping[str, Any]) -> None:
    """Raises NotTakingEnrolments unless the season is open or running."""
    if season["state"] not in TAKES_ENROLMENTS:
        raise NotTakingEnrolments(
            f"Season {season['number']} is {season['state']}: organisations enrol while it is open or running."
        )

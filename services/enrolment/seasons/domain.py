"""The steps of a season. Pure."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Conflict

STATES = ("draft", "open", "running", "closed")
NEXT: Mapping[str, str] = {"draft": "open", "open": "running", "running": "closed"}
TAKES_ENROLMENTS = frozenset({"open", "running"})


class IllegalStep(Conflict):
    """The table of steps does not have this one."""


class NotTakingEnrolments(Conflict):
    """The season has not been opened yet, or is over."""


def check_step(state: str, to: str) -> None:
    """Raises IllegalStep: a season goes from draft to open, running and closed, one after the other."""
    following = NEXT.get(state)
    if to != following:
        raise IllegalStep(
            f"A season that is {state} cannot become {to}. From here it can become {following or 'nothing'}."
        )


def check_takes_enrolments(season: Mapping[str, Any]) -> None:
    """Raises NotTakingEnrolments unless the season is open or running."""
    if season["state"] not in TAKES_ENROLMENTS:
        raise NotTakingEnrolments(
            f"Season {season['number']} is {season['state']}: organisations enrol while it is open or running."
        )

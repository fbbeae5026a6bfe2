"""The steps of an enrolment, and what each asks for. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from shared.errors import Conflict, Forbidden, Invalid

STATES = ("inquiry", "negotiating", "enrolled", "active", "completed", "declined", "withdrawn")
STEPS: Mapping[str, frozenset[str]] = {
    "inquiry": frozenset({"negotiating", "declined"}),
    "negotiating": frozenset({"enrolled", "declined"}),
    "enrolled": frozenset({"active", "withdrawn"}),
    "active": frozenset({"completed", "withdrawn"}),
    "completed": frozenset(),
    "declined": frozenset(),
    "withdrawn": frozenset(),
}
NEEDS_A_REASON = frozenset({"declined", "withdrawn"})
NEEDS_A_MANAGER = frozenset({"active"})
STATUSES = ("not_started", "interviews", "draft", "delivered")
SETTLED = ("season_id", "organisation_id")


class IllegalStep(Conflict):
    """The table of steps does not have this one."""


def check_step(state: str, to: str, *, reason: str | None, roles: Collection[str]) -> None:
    """Raises IllegalStep; Forbidden when the step is a manager's; Invalid when it needs a reason and has none."""
    if to not in STEPS[state]:
        allowed = ", ".join(sorted(STEPS[state])) or "nothing"
        raise IllegalStep(f"An enrolment that is {state} cannot become {to}. From here it can become {allowed}.")
    if to in NEEDS_A_MANAGER and "manager" not in roles:
        raise Forbidden(f"To make an enrolment {to} needs the role manager.")
    if to in NEEDS_A_REASON and not reason:
        raise Invalid({"reason": [f"Say why it is {to}."]})


def check_settled(enrolment: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """Raises Invalid when `fields` would move the enrolment to another season or organisation."""
    errors = {
        name: ["An enrolment stays with its season and organisation: withdraw it and make another."]
        for name in SETTLED
        if fields[name] != enrolment[name]
    }
    if errors:
        raise Invalid(errors)


def check_themes(themes: Iterable[str], season: Mapping[str, Any], *, had: Collection[str] = ()) -> None:
    """Raises Invalid for a theme that the season does not have and the enrolment has not `had` before."""
    known = [theme["key"] for theme in season["themes"]]
    errors = {
        f"themes.{position}": [f"Season {season['number']} has no such theme. It has: {', '.join(known) or 'none'}."]
        for position, theme in enumerate(themes)
        if theme not in known and theme not in had
    }
    if errors:
        raise Invalid(errors)

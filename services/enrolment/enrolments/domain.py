"""The states of an enrolment, and the conditions of its transitions. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from shared.errors import Invalid
from shared.state_machine import StateMachine

LIFECYCLE = StateMachine(
    name="enrolment",
    steps={
        "inquiry": {"negotiating", "declined"},
        "negotiating": {"enrolled", "declined"},
        "enrolled": {"active", "withdrawn"},
        "active": {"completed", "withdrawn"},
        "completed": set(),
        "declined": {"negotiating"},
        "withdrawn": set(),
    },
    reasoned={"declined", "withdrawn"},
    roles={"active": "manager"},
)
STATUSES = ("not_started", "interviews", "draft", "delivered")
# Why organisations say no: so that a season's report can count them.
REASON_CODES = ("money", "time", "not_interested", "other_programme", "merger", "staff_changed", "no_answer", "other")
SETTLED = ("season_id", "organisation_id")


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

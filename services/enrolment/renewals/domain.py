"""Who is renewed into the next season, and how two seasons compare. Pure."""

from collections.abc import Collection, Mapping
from typing import Any

from shared.errors import Invalid

# Whoever took part to the end, or still does.
USUAL = ("active", "completed")
TAKES_PART = frozenset({"enrolled", "active", "completed"})


def check_seasons(season: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Raises Invalid unless the season that members come from is another, earlier one."""
    if season["_id"] == before["_id"]:
        raise Invalid({"from_season_id": ["A season cannot be renewed from itself."]})
    if before["number"] >= season["number"]:
        raise Invalid({"from_season_id": ["Members are renewed from an earlier season."]})


def reason_to_skip(
    enrolment: Mapping[str, Any], organisation: Mapping[str, Any] | None, states: Collection[str], day: str
) -> str | None:
    """Why the organisation is not renewed; None when it is. `day` is when the new season begins."""
    if organisation is None:
        return "its organisation is gone"
    if organisation.get("ends_on") and organisation["ends_on"] < day:
        return "its organisation has ended"
    if enrolment["state"] not in states:
        return f"it is {enrolment['state']}"
    return None


def compared(before: Mapping[str, str], now: Mapping[str, str], ever: Collection[str]) -> dict[str, list[str]]:
    """The organisations by what became of them; `before` and `now` are states by organisation.

    `renewed` took part before and does now; `lost` did and does not; `new` never did before now; `returned` did in a
    season (`ever`) before the last one.
    """
    then = {organisation for organisation, state in before.items() if state in TAKES_PART}
    here = {organisation for organisation, state in now.items() if state in TAKES_PART}
    return {
        "renewed": sorted(then & here),
        "lost": sorted(then - here),
        "new": sorted(here - then - set(ever)),
        "returned": sorted((here - then) & set(ever)),
    }

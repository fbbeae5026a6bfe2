"""Positions over time: which of them a person has on a day, and what follows for the contact. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

Position = Mapping[str, Any]
# More than anybody has in a lifetime; it keeps the contact's message small.
MOST_POSITIONS = 50
# Of a person who has no position any more it is not known what they are.
NO_ROLE = "other"


def positions_of(contact: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The contact's positions; of a contact that never had any written down, the one that it shows."""
    if contact.get("positions"):
        return [dict(position) for position in contact["positions"]]
    shown = {name: contact.get(name) for name in ("organisation_id", "role", "title")}
    return [{"id": contact["_id"], **shown, "from": None, "until": None, "main": True}]


def is_held(position: Position, day: str) -> bool:
    """Whether it is held on that day; the last day is the last on which it is."""
    return (position["from"] or day) <= day <= (position["until"] or day)


def main_on(positions: Iterable[Position], day: str) -> Position | None:
    """The main position of the day: one that is marked so, else the latest; None without any."""
    held = [position for position in positions if is_held(position, day)]
    return max(held, key=lambda position: (position["main"], position["from"] or "", position["id"]), default=None)


def shown_on(contact: Mapping[str, Any], positions: Sequence[Position], day: str) -> dict[str, Any]:
    """What the contact shows on that day. Without a position the organisation stays, and the role does not."""
    main = main_on(positions, day)
    shown = {"positions": list(positions), "positions_change_on": next_change(positions, day)}
    if main is None:
        return {**shown, "organisation_id": contact["organisation_id"], "role": NO_ROLE, "title": None}
    return {**shown, **{name: main[name] for name in ("organisation_id", "role", "title")}}


def next_change(positions: Iterable[Position], day: str) -> str | None:
    """The next day on which another position is held, or one no more."""
    begins = [position["from"] for position in positions if position["from"]]
    ends = [day_after(position["until"]) for position in positions if position["until"]]
    return min((moment for moment in [*begins, *ends] if moment > day), default=None)


def moved_to(contact: Mapping[str, Any], fields: Mapping[str, Any], day: str) -> list[dict[str, Any]] | None:
    """The positions after `fields` gave the contact another organisation or role today; None when they did not.

    The main position ends the day before, and one with the new values begins. A new title is a correction of it.
    """
    changed = {name for name in ("organisation_id", "role", "title") if fields.get(name) != contact.get(name)}
    if not changed:
        return None
    positions = positions_of(contact)
    main = main_on(positions, day)
    values = {name: fields.get(name) for name in ("organisation_id", "role", "title")}
    if main is not None and (changed == {"title"} or main["from"] == day):
        return [{**position, **values} if position["id"] == main["id"] else position for position in positions]
    ended = [
        {**position, "until": day_before(day), "main": False} if main and position["id"] == main["id"] else position
        for position in positions
    ]
    return [*ended, {**values, "from": day, "until": None, "main": True}]


def ended(position: Mapping[str, Any], until: str) -> dict[str, Any]:
    """The position, which ends on that day at the latest."""
    return {**position, "until": min(position["until"] or until, until)}


def day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()

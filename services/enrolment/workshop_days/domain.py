"""An enrolment's account of workshop days, in half days. Pure.

The ledger is the truth: granted, reserved and used are its sums. An entry is never changed or removed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import Conflict

KINDS = ("reserved", "refused", "released", "used", "adjusted")
CARRIED = ("carried_out", "carried_in")
# What one half day of an entry does to each sum.
EFFECTS: Mapping[str, Mapping[str, int]] = {
    "adjusted": {"granted": 1},
    "reserved": {"reserved": 1},
    "released": {"reserved": -1},
    "used": {"reserved": -1, "used": 1},
    "refused": {},
}
# The newest entries in an account and in its messages: a reader that was away for three days misses no answer. With
# reasons of 1,000 characters they fill a fifth of the largest message.
NEWEST = 50
EMPTY: Mapping[str, Any] = {"granted": 0, "reserved": 0, "used": 0, "ledger": []}


class Overdrawn(Conflict):
    """The account has fewer days than the entry takes away."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of the ledger. `half_days` is negative only in an adjustment that takes days away.

    `event_version` is the version in which the event asked for its days. An adjustment that moves days to or from
    another season says in which direction in `carried`.
    """

    kind: str
    half_days: int
    event_id: str | None = None
    event_version: int | None = None
    reason: str | None = None
    carried: str | None = None


def available(account: Mapping[str, Any]) -> int:
    """The half days that a workshop may still ask for."""
    return int(account["granted"] - account["reserved"] - account["used"])


def held_by(account: Mapping[str, Any], event_id: str) -> int:
    """The half days that are reserved for the event and neither used nor released."""
    return sum(
        entry["half_days"] * EFFECTS[entry["kind"]].get("reserved", 0)
        for entry in account["ledger"]
        if entry["event_id"] == event_id
    )


def sums(account: Mapping[str, Any], entry: Entry) -> dict[str, int]:
    """The account's sums after `entry`. Raises Overdrawn when more is taken than is free."""
    after = {
        name: account[name] + entry.half_days * EFFECTS[entry.kind].get(name, 0) for name in EMPTY if name != "ledger"
    }
    if available(after) < 0:
        raise Overdrawn(
            f"{in_days(abs(entry.half_days))} cannot be taken away: {in_days(available(account))} of "
            f"{in_days(account['granted'])} are free."
        )
    return after


def entries_for(account: Mapping[str, Any], event: Mapping[str, Any], *, enrolment_state: str) -> Iterable[Entry]:
    """The entries that the workshop's present state calls for; none when the ledger has them already.

    A waiting workshop gets its days, or the reason why not, once for each request. A refused or cancelled workshop
    gives its days back, a completed workshop has used them.
    """
    held = held_by(account, event["_id"])
    about = {"event_id": event["_id"], "event_version": event["sequence"]}
    if event["state"] == "awaiting_days":
        if not _is_answered(account, event):
            half_days = round(event["days"] * 2)
            why_not = reason_against(account, half_days, enrolment_state=enrolment_state)
            yield Entry(kind="refused" if why_not else "reserved", half_days=half_days, reason=why_not, **about)
    elif held and event["state"] in ("cancelled", "refused"):
        yield Entry(kind="released", half_days=held, **about)
    elif held and event["state"] == "completed":
        yield Entry(kind="used", half_days=held, **about)


def reason_against(account: Mapping[str, Any], half_days: int, *, enrolment_state: str) -> str | None:
    """The reason why the half days cannot be reserved; None when they can."""
    if enrolment_state != "active":
        return f"Workshop days are for active enrolments; this one is {enrolment_state}."
    free = available(account)
    if half_days > free:
        return f"{in_days(half_days)} are asked for, but {in_days(free)} of {in_days(account['granted'])} are free."
    return None


def in_days(half_days: int) -> str:
    """`2.5 days`"""
    return f"{half_days / 2:g} days"


def _is_answered(account: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    return any(
        entry["event_id"] == event["_id"]
        and entry["kind"] in ("reserved", "refused")
        and entry["event_version"] >= event["sequence"]
        for entry in account["ledger"]
    )

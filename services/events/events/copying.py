"""Copies of an event at other times: everything that has a time moves by the difference. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

TIMES = ("starts_at", "ends_at", "registration_opens_at", "registration_closes_at")


def copied(fields: Mapping[str, Any], starts_at: datetime) -> dict[str, Any]:
    """The input fields of a copy that starts then.

    Times move on the clocks of the event's zone: what begins at nine begins at nine on the other side of a change to
    summer time too.
    """
    zone = ZoneInfo(fields["timezone"])
    by = _on_the_clock(starts_at, zone) - _on_the_clock(fields["starts_at"], zone)
    times = {name: _moved(fields[name], by, zone) for name in TIMES if fields.get(name)}
    agenda = [
        {**item, **{name: _moved(item[name], by, zone) for name in ("starts_at", "ends_at") if item.get(name)}}
        for item in fields.get("agenda") or []
    ]
    held = [{**hold, "released_at": _moved(hold["released_at"], by, zone)} for hold in fields.get("held_seats") or []]
    return {**fields, **times, "agenda": agenda, "held_seats": held}


def _on_the_clock(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _moved(moment: datetime, by: timedelta, zone: ZoneInfo) -> datetime:
    return (_on_the_clock(moment, zone) + by).replace(tzinfo=zone).astimezone(UTC)

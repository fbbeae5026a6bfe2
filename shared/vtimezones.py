"""Time zones as iCalendar writes them (RFC 5545, 3.6.5), from the IANA data. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vUTCOffset

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=256)
def vtimezone(name: str, first_year: int, last_year: int) -> Timezone:
    """The VTIMEZONE of an IANA zone, right for every instant of these years. Do not change it: it is cached.

    Where the clocks change by the same rule in all of these years, it has one STANDARD and at most one DAYLIGHT
    observance with an RRULE: Outlook reads no other form ([MS-OXCICAL] 2.1.3.1.1.19.2), and a program that keeps
    the first description of a zone that it meets is right in later years too. Elsewhere every change has an
    observance of its own. Onsets stand in the local time that was in force before them (RFC 5545, 3.6.5).
    Raises ZoneInfoNotFoundError.
    """
    zone = ZoneInfo(name)
    start, end = datetime(first_year - 1, 1, 3, tzinfo=UTC), datetime(last_year + 1, 1, 3, tzinfo=UTC)
    changes = list(_changes(start, end, zone))
    component = Timezone()
    component.add("tzid", name)
    rules = _yearly_rules(changes, last_year - first_year + 2)
    if not rules:
        component.add_component(_observance(start.astimezone(zone), start.astimezone(zone)))
    for before, after in changes[: len(rules)] if rules else changes:
        component.add_component(_observance(before, after, rule=rules.get(after.month)))
    return component


def _yearly_rules(changes: list[tuple[datetime, datetime]], years: int) -> dict[int, dict[str, Any]]:
    """The RRULE of each of the two changes a year, by its month; none unless they are the same in all the years."""
    first_year = changes[:2]
    if len(changes) != 2 * years or len({_kind(before, after) for before, after in changes}) != 2:
        return {}
    rules = {}
    for before, after in first_year:
        onsets = [_onset(*change) for change in changes if _kind(*change) == _kind(before, after)]
        rule = _rule_of(onsets)
        if rule is None:
            return {}
        rules[after.month] = rule
    return rules


def _kind(before: datetime, after: datetime) -> tuple[timedelta | None, timedelta | None, str | None]:
    return before.utcoffset(), after.utcoffset(), after.tzname()


def _rule_of(onsets: list[datetime]) -> dict[str, Any] | None:
    """`the last Sunday of March` or `the second Sunday of March` where all of `onsets` fall on it; else None."""
    if len({(onset.month, onset.weekday(), onset.time()) for onset in onsets}) != 1:
        return None
    day = WEEKDAYS[onsets[0].weekday()]
    weeks = {(onset.day - 1) // 7 + 1 for onset in onsets}
    if all((onset + _WEEK).month != onset.month for onset in onsets):
        weeks = {-1}
    return {"freq": "yearly", "byday": f"{weeks.pop()}{day}", "bymonth": onsets[0].month} if len(weeks) == 1 else None


def _changes(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The last second before each change of the clocks, and the first one after it, both local."""
    known = start
    while known < end:
        following = known + _DAY
        if _clock(known, zone) != _clock(following, zone):
            low, high = known, following
            while high - low > _SECOND:
                middle = low + (high - low) // 2
                middle = middle.replace(microsecond=0)
                low, high = (middle, high) if _clock(middle, zone) == _clock(low, zone) else (low, middle)
            yield low.astimezone(zone), high.astimezone(zone)
        known = following


def _clock(instant: datetime, zone: ZoneInfo) -> tuple[timedelta | None, str | None]:
    local = instant.astimezone(zone)
    return local.utcoffset(), local.tzname()


def _onset(before: datetime, after: datetime) -> datetime:
    """The moment of the change on the clocks that were in force before it."""
    return (after.astimezone(UTC) + (before.utcoffset() or timedelta(0))).replace(tzinfo=None)


def _observance(
    before: datetime, after: datetime, *, rule: dict[str, Any] | None = None
) -> TimezoneDaylight | TimezoneStandard:
    observance = TimezoneDaylight() if after.dst() else TimezoneStandard()
    observance.add("dtstart", _onset(before, after))
    if rule:
        observance.add("rrule", rule)
    observance.add("tzoffsetfrom", vUTCOffset(before.utcoffset() or timedelta(0)))
    observance.add("tzoffsetto", vUTCOffset(after.utcoffset() or timedelta(0)))
    observance.add("tzname", after.tzname() or "")
    return observance

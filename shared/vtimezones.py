"""Time zones as iCalendar writes them (RFC 5545, 3.6.5), from the IANA data. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vUTCOffset

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=256)
def vtimezone(name: str, first_year: int, last_year: int) -> Timezone:
    """The VTIMEZONE of an IANA zone, right for every instant of these years. Not to be changed: it is shared.

    Every change of the clocks has an entry of its own, and its onset stands in the local time that was in
    force before it, as RFC 5545, 3.6.5 asks. Raises ZoneInfoNotFoundError.
    """
    zone = ZoneInfo(name)
    start, end = datetime(first_year - 1, 12, 30, tzinfo=UTC), datetime(last_year + 1, 1, 3, tzinfo=UTC)
    component = Timezone()
    component.add("tzid", name)
    component.add_component(_observance(start.astimezone(zone), start.astimezone(zone)))
    for before, after in _changes(start, end, zone):
        component.add_component(_observance(before, after))
    return component


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


def _observance(before: datetime, after: datetime) -> TimezoneStandard | TimezoneDaylight:
    old, new = before.utcoffset() or timedelta(0), after.utcoffset() or timedelta(0)
    observance = TimezoneDaylight() if after.dst() else TimezoneStandard()
    observance.add("dtstart", (after.astimezone(UTC) + old).replace(tzinfo=None))
    observance.add("tzoffsetfrom", vUTCOffset(old))
    observance.add("tzoffsetto", vUTCOffset(new))
    observance.add("tzname", after.tzname() or "")
    return observance

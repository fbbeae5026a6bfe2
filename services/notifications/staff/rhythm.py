"""When the next digest is due: at seven on working days, or on Mondays. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.local_time import HOME_ZONE

HOUR = 7
MONDAY, SATURDAY = 0, 5


def next_digest_at(rhythm: str, now: datetime) -> datetime | None:
    """The first moment after `now` when one is due; None when none is wanted."""
    if rhythm == "off":
        return None
    zone = ZoneInfo(HOME_ZONE)
    local = now.astimezone(zone)
    day = local.date() + timedelta(days=1 if local.hour >= HOUR else 0)
    while day.weekday() >= SATURDAY or (rhythm == "weekly" and day.weekday() != MONDAY):
        day += timedelta(days=1)
    return datetime(day.year, day.month, day.day, HOUR, tzinfo=zone)

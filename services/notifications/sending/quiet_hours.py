"""When optional mail may leave: on working days, in the daytime. Pure: no I/O, no clock."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.notifications.preferences.store import CHOICE_OF_TEMPLATE
from shared.local_time import HOME_ZONE

_HOURS = re.compile(r"([0-9]|1[0-9]|2[0-3])-([1-9]|1[0-9]|2[0-4])")
SATURDAY = 5
# A reminder that would come later than this before the start comes in the night rather than too late.
IN_TIME = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class MailHours:
    """From the hour `opens` until the hour `closes`, Mondays to Fridays, on the clocks of `zone`."""

    opens: int
    closes: int
    zone: str = HOME_ZONE

    @classmethod
    def parse(cls, text: str) -> "MailHours | None":
        """`7-20`; None for an empty text: always. Raises ValueError."""
        if not text.strip():
            return None
        found = _HOURS.fullmatch(text.strip())
        if found is None or int(found[1]) >= int(found[2]):
            raise ValueError("write it as 7-20, or leave it empty for always")
        return cls(opens=int(found[1]), closes=int(found[2]))

    def __str__(self) -> str:
        return f"{self.opens}-{self.closes}"

    def next_at(self, now: datetime) -> datetime:
        """`now` if mail may leave now, or else the next moment when it may."""
        local = now.astimezone(ZoneInfo(self.zone))
        if local.weekday() < SATURDAY and self.opens <= local.hour < self.closes:
            return now
        day = local.date() + timedelta(days=1 if local.hour >= self.opens else 0)
        while day.weekday() >= SATURDAY:
            day += timedelta(days=1)
        return datetime(day.year, day.month, day.day, self.opens, tzinfo=ZoneInfo(self.zone))


def wait_for_the_day(
    hours: MailHours | None, template: str, event: Mapping[str, Any] | None, now: datetime
) -> timedelta | None:
    """How long a mail that can wait does wait; None for one that leaves now."""
    if hours is None or template not in CHOICE_OF_TEMPLATE:
        return None
    at = hours.next_at(now)
    too_late = template == "event_reminder" and event is not None and at > event["starts_at"] - IN_TIME
    return None if at <= now or too_late else at - now

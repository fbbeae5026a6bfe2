"""The part of the past that is asked for, as conditions that an index answers. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Span:
    """The part of the past that is asked for: before `until` (and before the entry `below`), not before `since`."""

    since: datetime | None = None
    until: datetime | None = None
    below: tuple[datetime, str] | None = None

    def condition(self, field: str, write: Callable[[datetime], Any]) -> Document:
        last = min((moment for moment in (self.until, self.below and self.below[0]) if moment), default=None)
        bounds = {**({"$gte": write(self.since)} if self.since else {}), **({"$lte": write(last)} if last else {})}
        return {field: bounds} if bounds else {}

    def ids(self) -> Document:
        """The condition on ids, whose first 48 bits are the milliseconds since 1970 (RFC 9562, UUIDv7)."""
        last = min((moment for moment in (self.until, self.below and self.below[0]) if moment), default=None)
        bounds = {
            **({"$gte": f"{_hex(self.since)}-0000"} if self.since else {}),
            **({"$lt": f"{_hex(last)}-g"} if last else {}),
        }
        return {"_id": bounds} if bounds else {}


def _hex(moment: datetime) -> str:
    """The beginning of an id of that millisecond."""
    digits = f"{max(0, round(moment.timestamp() * 1000)):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def moment_of(identifier: str) -> datetime:
    """The moment at which an id was made, in milliseconds."""
    return datetime.fromtimestamp(int(identifier[:8] + identifier[9:13], 16) / 1000, tz=UTC)

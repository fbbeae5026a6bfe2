"""Events as calendar entries (RFC 5545)."""

from collections.abc import Iterable

from services.events.events.store import BY_START, EVENTS
from shared.calendars import calendar, calendar_entry
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.schemas import LANGUAGES

PRODUCT_ID = "-//USO//Events//EN"
# RFC 5545, 3.8.1.11. A workshop that waits for its days, or was refused them, may still take place.
STATUS = {
    "draft": "TENTATIVE",
    "awaiting_days": "TENTATIVE",
    "refused": "TENTATIVE",
    "published": "CONFIRMED",
    "completed": "CONFIRMED",
    "cancelled": "CANCELLED",
}


def events_of_season(db: Database, season_id: str | None) -> list[Document]:
    """The season's events, or all of them, the earliest first."""
    query = {"season_id": season_id} if season_id else {}
    return list(db[EVENTS.collection].find(query).sort(list(BY_START)))


def feed(events: Iterable[Document], *, language: str, name: str | None = None, online: bool = False) -> bytes:
    """A calendar for publication, with texts in `language` where an event has them.

    It leaves out the address of the online meeting: only registered people get the address, by e-mail.
    """
    entries = [
        calendar_entry(
            uid=event["calendar"]["uid"],
            sequence=event["calendar"]["sequence"],
            status=STATUS[event["state"]],
            summary=in_language(event["title"], language),
            description=in_language(event.get("description"), language),
            location=in_language(event.get("venue"), language),
            url=event.get("online_url") if online else None,
            starts_at=event["starts_at"],
            ends_at=event["ends_at"],
            timezone=event["timezone"],
            updated_at=event["updated_at"],
        )
        for event in events
    ]
    return calendar(entries, method="PUBLISH", product_id=PRODUCT_ID, name=name)


def in_language(texts: dict[str, str] | None, language: str) -> str:
    """The text in `language`, else in the first language that has one; empty when no language has one."""
    return next((texts[choice] for choice in (language, *LANGUAGES) if texts.get(choice)), "") if texts else ""

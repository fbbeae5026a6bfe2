"""An event as people without a token may see it: materials whose time has come, and speakers by name."""

from collections.abc import Mapping
from typing import Any

from services.events.projections import CONTACTS
from services.events.registrations.series import coming_events
from shared.ids import utc_now
from shared.messaging.subscriptions import unless_erased
from shared.mongo.aggregates import Document
from shared.mongo.database import Database


def for_readers(db: Database, event: Mapping[str, Any], *, attended: bool = False) -> Document:
    """The event with those of its materials that the reader may see. `attended`: the reader was there."""
    over = event["state"] == "completed" or event["ends_at"] <= utc_now()
    seen = {"before"} | ({"after"} if over else set()) | ({"after", "attended"} if attended else set())
    materials = [each for each in event.get("materials") or [] if each.get("visible", "before") in seen]
    series = coming_events(db, event["series_id"], utc_now(), public=True) if event.get("series_id") else []
    return {**event, "series": series, "materials": materials, "agenda": _agenda(db, event.get("agenda") or [])}


def _agenda(db: Database, items: list[Document]) -> list[Document]:
    contacts = {speaker["contact_id"] for item in items for speaker in item["speakers"] if speaker.get("contact_id")}
    found = db[CONTACTS.collection].find({"_id": {"$in": list(contacts)}}) if contacts else ()
    names = {row["_id"]: f"{row['given_name']} {row['family_name']}" for row in found if unless_erased(row)}
    return [
        {
            **item,
            "speakers": [
                {"name": speaker.get("name") or names[speaker["contact_id"]], "title": speaker.get("title")}
                for speaker in item["speakers"]
                if speaker.get("name") or speaker.get("contact_id") in names
            ],
        }
        for item in items
    ]

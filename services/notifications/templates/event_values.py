"""An event as a text shows it, in one language. Pure."""

from typing import Any

from services.notifications.templates.defaults import in_language
from services.notifications.templates.words import event_kind
from shared.local_time import when
from shared.mongo.aggregates import Document


def event_values(event: Document, language: str, *, with_link: bool = True) -> dict[str, Any]:
    """The placeholders `event.…`. Only a recipient with a seat gets the address of the online meeting."""
    return {
        "title": in_language(event.get("title"), language),
        "kind": event_kind(event["kind"], language),
        "description": in_language(event.get("description"), language) or None,
        "when": when(event["starts_at"], event["ends_at"], event.get("timezone") or "UTC", language),
        "venue": in_language(event.get("venue"), language) or None,
        "online_url": event.get("online_url") if with_link else None,
    }

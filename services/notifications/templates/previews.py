"""A preview with a real recipient and a real event."""

from typing import Any

from services.notifications.projections import CONTACTS, EVENTS, ORGANISATIONS
from services.notifications.templates.defaults import in_language
from services.notifications.templates.event_values import event_values
from shared.errors import NotArrivedYet
from shared.messaging.subscriptions import Projection, unless_erased
from shared.mongo.aggregates import Document
from shared.mongo.database import Database


def context_of_a_recipient(
    db: Database, language: str, *, contact_id: str | None, event_id: str | None
) -> dict[str, Any]:
    """The values of a text for this contact and event. Raises NotArrivedYet for an unknown contact or event."""
    context: dict[str, Any] = {}
    if contact_id:
        contact = _known(db, CONTACTS, "contact_id", contact_id)
        home = unless_erased(db[ORGANISATIONS.collection].find_one({"_id": contact.get("organisation_id")}))
        context["contact"] = contact
        context["organisation"] = {"name": in_language((home or {}).get("name"), language) or None}
    if event_id:
        context["event"] = event_values(_known(db, EVENTS, "event_id", event_id), language)
    return context


def _known(db: Database, projection: Projection, field: str, identifier: str) -> Document:
    found = unless_erased(db[projection.collection].find_one({"_id": identifier}))
    if found is None:
        raise NotArrivedYet(field, identifier)
    return found

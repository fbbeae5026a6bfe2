"""The list for the door: who comes, as a table."""

from operator import itemgetter

from services.events.projections import CONTACTS, ORGANISATIONS
from services.events.registrations.registrants import person_of
from services.events.registrations.store import BY_ARRIVAL, REGISTRATIONS, with_positions
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.schemas import LANGUAGES
from shared.secrets import Secrets

COLUMNS = ("family_name", "given_name", "organisation", "role", "language", "state", "position", "registration_id")


def door_list(db: Database, secrets: Secrets, event_id: str) -> list[Document]:
    """One row for each registration that is not cancelled: those with a seat by name, then the waiting in line."""
    query = {"event_id": event_id, "state": {"$nin": ["cancelled", "refused"]}}
    found = with_positions(db, list(db[REGISTRATIONS.collection].find(query).sort(list(BY_ARRIVAL))))
    contacts = _by_id(db, CONTACTS.collection, {one["contact_id"] for one in found})
    organisations = _by_id(db, ORGANISATIONS.collection, {one["organisation_id"] for one in found})
    rows = []
    for one in found:
        who = person_of(secrets, one) or contacts.get(one["contact_id"]) or {}
        organisation = who.get("organisation") or _one_language(organisations.get(one["organisation_id"]))
        rows.append(
            {
                "family_name": who.get("family_name") or "",
                "given_name": who.get("given_name") or "",
                "organisation": organisation or "",
                "role": one["role"] or "",
                "language": one["language"],
                "state": one["state"],
                "position": one["position"],
                "registration_id": one["_id"],
            }
        )
    by_name = itemgetter("family_name", "given_name", "registration_id")
    return sorted((row for row in rows if row["position"] is None), key=by_name) + [
        row for row in rows if row["position"]
    ]


def _by_id(db: Database, collection: str, identifiers: set[str | None]) -> dict[str, Document]:
    return {row["_id"]: row for row in db[collection].find({"_id": {"$in": list(identifiers - {None})}})}


def _one_language(organisation: Document | None) -> str | None:
    names = (organisation or {}).get("name") or {}
    return next((names[language] for language in LANGUAGES if names.get(language)), None)

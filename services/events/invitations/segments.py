"""The contacts whom a saved segment of enrolment means, from the service's own projections."""

from collections.abc import Mapping
from typing import Any

from services.events.invitations.schemas import MOST_AT_ONCE
from services.events.invitations.store import INVITATIONS
from services.events.projections import CONTACTS, ENROLMENTS, ORGANISATIONS, SEGMENTS
from shared.errors import NotArrivedYet
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.schemas import LANGUAGES

FIELDS = {"role": "roles", "language": "languages", "tags": "tags", "organisation_id": "organisation_ids"}


def not_invited_yet(db: Database, name: str, event_id: str) -> tuple[list[Document], int]:
    """The segment's next members without an invitation to the event, and how many are left after them.

    Raises NotArrivedYet for a name that no segment has.
    """
    segment = db[SEGMENTS.collection].find_one({"name": name})
    if segment is None:
        raise NotArrivedYet("segment", "segment")
    invited = db[INVITATIONS.collection].distinct("contact_id", {"event_id": event_id})
    query = {"$and": [members_query(db, segment), {"_id": {"$nin": invited}}]}
    found = list(db[CONTACTS.collection].find(query).sort("_id", 1).limit(MOST_AT_ONCE))
    left = db[CONTACTS.collection].count_documents(query) - len(found) if len(found) == MOST_AT_ONCE else 0
    return found, left


def members_query(db: Database, segment: Mapping[str, Any]) -> Document:
    """The condition for the contacts who fit all that the segment asks for."""
    alive: Document = {"merged_into": None, "erased": {"$ne": True}}
    parts = [alive, *({field: {"$in": segment[name]}} for field, name in FIELDS.items() if segment.get(name))]
    if of := _organisations(segment):
        rows = db[ORGANISATIONS.collection].find({"$and": of}, {"_id": 1})
        parts.append({"organisation_id": {"$in": [row["_id"] for row in rows]}})
    if segment.get("season_id"):
        states = segment.get("enrolment_states")
        enrolled = {"season_id": segment["season_id"], **({"state": {"$in": states}} if states else {})}
        rows = db[ENROLMENTS.collection].find(enrolled, {"contact_ids": 1})
        named = {identifier for row in rows for identifier in row.get("contact_ids") or ()}
        parts.append({"_id": {"$in": sorted(named)}})
    return {"$and": parts}


def _organisations(segment: Mapping[str, Any]) -> list[Document]:
    """The conditions on the contacts' organisations; a place is named in any of its languages."""
    conditions: list[Document] = [{"kind": {"$in": segment["kinds"]}}] if segment.get("kinds") else []
    for field, name in (("region", "regions"), ("wellbeing_county", "wellbeing_counties")):
        if segment.get(name):
            conditions.append({"$or": [{f"{field}.{language}": {"$in": segment[name]}} for language in LANGUAGES]})
    return conditions

"""The contacts whom a saved segment of enrolment means, from the service's own projections."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from services.notifications.projections import ENROLMENTS, ORGANISATIONS, SEGMENTS
from shared.errors import NotArrivedYet
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork
from shared.schemas import LANGUAGES

Find = Callable[..., Iterable[Document]]
FIELDS = {"role": "roles", "language": "languages", "tags": "tags", "organisation_id": "organisation_ids"}
# Inside `$and`: a portion adds a condition on the id of its own.
NOBODY: Document = {"$and": [{"_id": {"$in": []}}]}


def check_name(uow: UnitOfWork, segment: Mapping[str, Any]) -> None:
    """Raises NotArrivedYet when it names a saved segment that is unknown here."""
    if segment.get("name") and not is_known(uow.find, segment["name"]):
        raise NotArrivedYet("segment.name", "segment")


def is_known(find: Find, name: str) -> bool:
    """Whether there is a saved segment of this name."""
    return bool(list(find(SEGMENTS.collection, {"name": name}, limit=1)))


def named_query(find: Find, name: str) -> Document:
    """The condition for the contacts who fit all that the segment of this name asks for; nobody when it is gone."""
    found = list(find(SEGMENTS.collection, {"name": name}, limit=1))
    return _members(find, found[0]) if found else NOBODY


def _members(find: Find, segment: Mapping[str, Any]) -> Document:
    alive: Document = {"merged_into": None, "erased": {"$ne": True}}
    parts = [alive, *({field: {"$in": segment[name]}} for field, name in FIELDS.items() if segment.get(name))]
    if of := _organisations(segment):
        rows = find(ORGANISATIONS.collection, {"$and": of}, projection={"_id": 1})
        parts.append({"organisation_id": {"$in": [row["_id"] for row in rows]}})
    if segment.get("season_id"):
        states = segment.get("enrolment_states")
        enrolled = {"season_id": segment["season_id"], **({"state": {"$in": states}} if states else {})}
        rows = find(ENROLMENTS.collection, enrolled, projection={"contact_ids": 1})
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

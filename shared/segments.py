"""What a saved segment of contacts means: the same question in each service, asked of the service's own collections.

The question travels on `uso.enrolment.segments.v1`, not the people: each service answers it on the day.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shared.mongo.aggregates import Document
from shared.schemas import LANGUAGES

Find = Callable[..., Iterable[Document]]
"""`find(collection, query, **options)`: of a Database or a UnitOfWork."""

FIELDS = {"role": "roles", "language": "languages", "tags": "tags", "organisation_id": "organisation_ids"}


def members_query(find: Find, segment: Mapping[str, Any]) -> Document:
    """The condition for the contacts who fit all that the segment asks for.

    `find` looks into `organisations` and `enrolments`. The condition stands inside `$and`, so that a caller can add
    one on the id.
    """
    alive: Document = {"merged_into": None, "erased": {"$ne": True}}
    parts = [alive, *({field: {"$in": segment[name]}} for field, name in FIELDS.items() if segment.get(name))]
    if of := _organisations(segment):
        rows = find("organisations", {"$and": of}, projection={"_id": 1})
        parts.append({"organisation_id": {"$in": [row["_id"] for row in rows]}})
    if segment.get("season_id"):
        states = segment.get("enrolment_states")
        enrolled = {"season_id": segment["season_id"], **({"state": {"$in": states}} if states else {})}
        rows = find("enrolments", enrolled, projection={"contact_ids": 1})
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

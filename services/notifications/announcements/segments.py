"""The people of a segment, in portions by id, from the service's own projections."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.notifications.announcements.saved_segments import named_query
from services.notifications.projections import CONTACTS, ENROLMENTS, ORGANISATIONS, REGISTRATIONS
from shared.mongo.aggregates import Document
from shared.segments import Find


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person of the segment: a contact, or a registrant who is none. The next portion begins after `id`."""

    id: str
    contact_id: str | None
    registration_id: str | None = None
    event_id: str | None = None
    language: str | None = None

    @property
    def key(self) -> str:
        return self.contact_id or self.registration_id or ""


@dataclass(frozen=True, kw_only=True)
class Portion:
    """Some people of a segment. The next portion begins after `after`; None when this is the last."""

    people: list[Person]
    looked_at: int
    after: str | None


def base_query(find: Find, segment: Mapping[str, Any]) -> tuple[str, Document]:
    """The collection with a segment's people, and the conditions that an index answers."""
    if segment.get("name"):
        return CONTACTS.collection, named_query(find, segment["name"])
    if segment.get("event_id"):
        states = segment.get("registration_states") or ["confirmed"]
        return REGISTRATIONS.collection, {"event_id": segment["event_id"], "state": {"$in": states}}
    query: Document = {}
    if segment.get("roles"):
        query["role"] = {"$in": segment["roles"]}
    if segment.get("organisation_ids"):
        query["organisation_id"] = {"$in": segment["organisation_ids"]}
    return CONTACTS.collection, query


def next_portion(find: Find, segment: Mapping[str, Any], *, after: str, size: int) -> Portion:
    """The people among the next `size` candidates after the id `after`."""
    collection, query = base_query(find, segment)
    found = list(find(collection, {**query, "_id": {"$gt": after}}, sort=[("_id", 1)], limit=size))
    people = _registrants(find, found) if collection == REGISTRATIONS.collection else _contacts(found)
    return Portion(
        people=_fitting(find, segment, people),
        looked_at=len(found),
        after=found[-1]["_id"] if len(found) == size else None,
    )


def _contacts(found: Iterable[Document]) -> list[tuple[Person, Document]]:
    """The contacts, with a merged contact replaced by the contact it was merged into."""
    living = [row for row in found if not row.get("erased") and not row.get("merged_into")]
    return [(Person(id=row["_id"], contact_id=row["_id"], language=row.get("language")), row) for row in living]


def _registrants(find: Find, found: list[Document]) -> list[tuple[Person, Document]]:
    ids = [row["contact_id"] for row in found if row.get("contact_id")]
    contacts = {row["_id"]: row for row in find(CONTACTS.collection, {"_id": {"$in": ids}})} if ids else {}
    return [
        (
            Person(
                id=row["_id"],
                contact_id=_merged(contacts.get(row.get("contact_id") or ""), row.get("contact_id")),
                registration_id=row["_id"],
                event_id=row.get("event_id"),
                language=row.get("language"),
            ),
            contacts.get(row.get("contact_id") or "", {}) | {"organisation_id": row.get("organisation_id")},
        )
        for row in found
        if not row.get("erased")
    ]


def _merged(contact: Document | None, identifier: str | None) -> str | None:
    return (contact or {}).get("merged_into") or identifier


def _fitting(find: Find, segment: Mapping[str, Any], people: list[tuple[Person, Document]]) -> list[Person]:
    """The people who fit the conditions without an index: a registrant's role and organisation, season, county."""
    roles, organisations = segment.get("roles"), segment.get("organisation_ids")
    if roles:
        people = [pair for pair in people if pair[1].get("role") in roles]
    if organisations:
        people = [pair for pair in people if pair[1].get("organisation_id") in organisations]
    if segment.get("season_id"):
        enrolled = _enrolled(find, segment, [person.contact_id for person, _ in people if person.contact_id])
        people = [pair for pair in people if pair[0].contact_id in enrolled]
    if segment.get("wellbeing_counties"):
        homes = {row["organisation_id"] for _, row in people if row.get("organisation_id")}
        inside = _in_counties(find, segment["wellbeing_counties"], homes)
        people = [pair for pair in people if pair[1].get("organisation_id") in inside]
    return [person for person, _ in people]


def _enrolled(find: Find, segment: Mapping[str, Any], contact_ids: list[str]) -> set[str]:
    query: Document = {"contact_ids": {"$in": contact_ids}, "season_id": segment["season_id"]}
    if segment.get("enrolment_states"):
        query["state"] = {"$in": segment["enrolment_states"]}
    wanted = set(contact_ids)
    rows = find(ENROLMENTS.collection, query, projection={"contact_ids": 1}) if contact_ids else ()
    return {identifier for row in rows for identifier in row["contact_ids"] or () if identifier in wanted}


def _in_counties(find: Find, counties: list[str], organisation_ids: set[str]) -> set[str]:
    names = {name.casefold() for name in counties}
    rows = find(
        ORGANISATIONS.collection, {"_id": {"$in": sorted(organisation_ids)}}, projection={"wellbeing_county": 1}
    )
    return {row["_id"] for row in rows if names & _names(row.get("wellbeing_county"))}


def _names(county: Any) -> set[str]:
    texts = county.values() if isinstance(county, dict) else [county] if isinstance(county, str) else []
    return {text.casefold() for text in texts}

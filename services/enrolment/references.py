"""What refers to a resource: while anything does, the resource is not deleted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pymongo import UpdateMany

from services.enrolment.organisations.store import ORGANISATIONS
from shared.errors import Conflict, Invalid
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

# By the aggregate's name: the noun that may refer to it, its collection, and the fields that hold the id.
REFERENCES: Mapping[str, Sequence[tuple[str, str, Sequence[str]]]] = {
    "organisation": (
        ("contact", "contacts", ("organisation_id", "positions.organisation_id")),
        ("enrolment", "enrolments", ("organisation_id",)),
        ("note", "notes", ("about.id",)),
        ("task", "tasks", ("about.id",)),
        ("segment", "segments", ("organisation_ids",)),
        ("organisation", "organisations", ("successor_ids",)),
        ("registration", "registrations", ("organisation_id",)),
    ),
    "contact": (
        ("enrolment", "enrolments", ("contact_ids", "responsible_contact_id")),
        ("note", "notes", ("about.id",)),
        ("task", "tasks", ("about.id",)),
        ("contact", "contacts", ("merged_into",)),
        ("registration", "registrations", ("contact_id",)),
        ("delivery", "deliveries", ("contact_id",)),
    ),
    "season": (("enrolment", "enrolments", ("season_id",)), ("segment", "segments", ("season_id",))),
    "enrolment": (
        ("note", "notes", ("about.id",)),
        ("task", "tasks", ("about.id",)),
        ("event", "events", ("enrolment_id",)),
        ("delivery", "deliveries", ("enrolment_id",)),
        ("enrolment", "enrolments", ("previous_enrolment_id",)),
        ("entry of workshop days", "workshop_day_entries", ("enrolment_id",)),
    ),
}
# More than these a refusal does not name.
MOST_NAMED = 20


def check_unreferred(uow: UnitOfWork, name: str, identifier: str) -> None:
    """Raises Conflict, with `referred_to_by`, while something refers to the resource."""
    found = references_to(uow, name, [identifier], most=MOST_NAMED).get(identifier)
    if found:
        raise Conflict(sentence(name, found), referred_to_by=found[:MOST_NAMED])


def sentence(name: str, found: Iterable[Document]) -> str:
    """Why the resource is not deleted."""
    return f"Something refers to this {name}: {', '.join(sorted({row['kind'] for row in found}))}."


def references_to(
    uow: UnitOfWork, name: str, identifiers: Sequence[str], *, most: int = 0
) -> dict[str, list[Document]]:
    """What refers to each of the resources, as `{kind, id}`; at most `most` of a kind, without it all."""
    wanted, found = set(identifiers), defaultdict(list)
    for kind, collection, fields in REFERENCES.get(name, ()):
        query = {"$or": [{field: {"$in": list(identifiers)}} for field in fields]}
        for row in uow.find(collection, query, projection=dict.fromkeys(fields, 1), limit=most):
            for identifier in wanted & set(_values(row, fields)) - {row["_id"]}:
                found[identifier].append({"kind": kind, "id": row["_id"]})
    return found


def _values(row: Document, fields: Iterable[str]) -> Iterator[Any]:
    for field in fields:
        outer, _, inner = field.partition(".")
        values = row.get(outer)
        for value in values if isinstance(values, list) else [values]:
            yield value.get(inner) if inner and isinstance(value, dict) else value


def refer_to(uow: UnitOfWork, collection: str, identifiers: Iterable[str]) -> None:
    """Notes that something is about to refer to these documents, which the transaction has found.

    It writes to them, outside their public shape: so the deletion of one at the same moment and this reference cannot
    both commit.
    """
    if wanted := sorted(set(identifiers)):
        uow.write(collection, UpdateMany({"_id": {"$in": wanted}}, {"$set": {"referred_to_at": uow.now}}))


def refer_to_organisation(uow: UnitOfWork, identifier: str, field: str = "organisation_id") -> None:
    """As `refer_to`, for an organisation. Raises Invalid when there is none."""
    if uow.find_one(ORGANISATIONS.collection, {"_id": identifier}, projection={"_id": 1}) is None:
        raise Invalid({field: ["There is no such organisation."]})
    refer_to(uow, ORGANISATIONS.collection, [identifier])

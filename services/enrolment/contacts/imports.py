"""Contacts from a table: one row each, known again by the e-mail address."""

from typing import Any

from services.enrolment.contacts.schemas import ContactInput
from services.enrolment.contacts.store import CONTACTS, email_key, with_keys
from services.enrolment.organisations.imports import with_keys_as_kept
from services.enrolment.organisations.store import ORGANISATIONS
from shared.errors import Invalid
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork
from shared.tables import Row, import_rows

_INPUT = ContactInput()
PLAIN = ("given_name", "family_name", "email", "phone", "title", "role", "language")
# How a row may name its organisation: the column, and the organisation's field that it is looked for in.
NAMED_BY = {"organisation_id": "_id", "municipality_code": "municipality_code", "business_id": "business_id"}


def import_contacts(uow: UnitOfWork, rows: list[Row], *, dry_run: bool) -> Document:
    """Creates and updates; a row that is wrong is listed with its errors and leaves the rest alone."""
    rows = [with_keys_as_kept(row) for row in rows]
    keys = [email_key(row.cells["email"]) for row in rows if row.cells.get("email")]
    organisations = _organisations_of(uow, rows)
    known = {row["email_key"]: row for row in uow.find(CONTACTS.collection, {"email_key": {"$in": keys}})}

    def remember(contact: Document) -> None:
        known[contact["email_key"]] = contact

    return import_rows(
        uow,
        CONTACTS,
        rows,
        schema=_INPUT,
        read=lambda cells: read_contact(cells, organisations),
        find=lambda fields: known.get(email_key(fields.get("email", ""))),
        remember=remember,
        prepare=with_keys,
        messages=("contact.created", "contact.updated"),
        dry_run=dry_run,
    )


def read_contact(cells: dict[str, str], organisations: dict[tuple[str, str], str]) -> dict[str, Any]:
    """A row's cells as the fields of the input. Raises Invalid when the organisation it names is not known."""
    fields: dict[str, Any] = {name: cells[name] for name in PLAIN if cells.get(name)}
    named = {column: cells[column] for column in NAMED_BY if cells.get(column)}
    unknown = {
        column: ["There is no such organisation."] for column in named if (column, named[column]) not in organisations
    }
    if unknown:
        raise Invalid(unknown)
    found = {organisations[column, value] for column, value in named.items()}
    if len(found) > 1:
        raise Invalid({column: ["The row names different organisations."] for column in named})
    if found:
        fields["organisation_id"] = found.pop()
    return fields


def _organisations_of(uow: UnitOfWork, rows: list[Row]) -> dict[tuple[str, str], str]:
    """The ids of the organisations that the rows name, by column and value."""
    named = {column: {row.cells[column] for row in rows if row.cells.get(column)} for column in NAMED_BY}
    query = {"$or": [{NAMED_BY[column]: {"$in": sorted(values)}} for column, values in named.items()]}
    projection = dict.fromkeys(NAMED_BY.values(), 1)
    return {
        (column, organisation[field]): organisation["_id"]
        for organisation in uow.find(ORGANISATIONS.collection, query, projection=projection)
        for column, field in NAMED_BY.items()
        if organisation.get(field)
    }

"""Imports contacts from a table, a row each. The e-mail address recognises an existing contact."""

from collections.abc import Iterable
from typing import Any

from services.enrolment.contacts.schemas import ContactInput
from services.enrolment.contacts.store import CONTACTS, with_keys
from services.enrolment.contacts.warnings import Colleagues
from services.enrolment.importing import import_rows, listed
from services.enrolment.organisations.imports import with_keys_as_kept
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.positions.moves import positions_after
from services.enrolment.references import refer_to
from shared.email_address import normalise_email
from shared.errors import Invalid
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork
from shared.tables.rows import Row, Table

INPUT = ContactInput()
PLAIN = ("given_name", "family_name", "email", "phone", "title", "role", "language", "legal_basis", "source")
# The columns that may name the row's organisation, and the field of the organisation for each.
NAMED_BY = {
    "organisation_id": "_id",
    "municipality_code": "municipality_code",
    "business_id": "business_id",
    "external_id": "external_id",
}
COLUMNS = (*PLAIN, *NAMED_BY, "tags")


def import_contacts(
    uow: UnitOfWork, table: Table, *, dry_run: bool, show_rows: bool = False, file: str | None = None
) -> Document:
    """Creates and updates contacts. A wrong row is listed with its errors, and does not stop the others."""
    table = Table(rows=[with_keys_as_kept(row) for row in table.rows], unused_columns=table.unused_columns)
    keys = [normalise_email(row.cells["email"]) for row in table.rows if row.cells.get("email")]
    organisations = _organisations_of(uow, table.rows)
    if not dry_run:
        refer_to(uow, ORGANISATIONS.collection, organisations.values())
    known = _Known(uow.find(CONTACTS.collection, {"email_key": {"$in": keys}}), Colleagues(uow, organisations.values()))
    result = import_rows(
        uow,
        CONTACTS,
        table,
        schema=INPUT,
        read=lambda row: read_contact(row.cells, organisations),
        find=known.find,
        remember=known.remember,
        prepare=with_keys,
        adjust=lambda existing, document: {**document, **positions_after(existing, document, uow.now)},
        messages=("contact.created", "contact.updated"),
        dry_run=dry_run,
        show_rows=show_rows,
        file=file,
    )
    return {**result, "warnings": known.warnings}


class _Known:
    """The contacts by their e-mail addresses, as they stand after the rows that were handled."""

    def __init__(self, contacts: Iterable[Document], colleagues: Colleagues) -> None:
        self._by_key = {contact["email_key"]: contact for contact in contacts}
        self._lines: dict[str, int] = {}
        self._colleagues = colleagues
        self.warnings: list[Document] = []

    def find(self, row: Row, fields: Document) -> Document | None:
        """The contact with the row's address. Raises Invalid when an earlier row gives it to another person."""
        key = normalise_email(fields.get("email", ""))
        earlier, contact = self._lines.get(key), self._by_key.get(key)
        if contact and contact.get("merged_into"):
            raise Invalid({"email": [f"Its contact was merged into {contact['merged_into']}: give its address."]})
        if earlier and contact and any(fields.get(name) != contact[name] for name in ("given_name", "family_name")):
            raise Invalid({"email": [f"Line {earlier} has this address already, for another person."]})
        self._lines.setdefault(key, row.line)
        return contact

    def remember(self, row: Row, before: Document | None, after: Document) -> None:
        self._by_key[after["email_key"]] = after
        if before is None:
            if found := self._colleagues.warnings_about(after):
                self.warnings.append({"line": row.line, "warnings": found})
            self._colleagues.add(after)


def read_contact(cells: dict[str, str], organisations: dict[tuple[str, str], str]) -> dict[str, Any]:
    """A row's cells as the fields of the input. Raises Invalid for an unknown organisation."""
    fields: dict[str, Any] = {name: cells[name] for name in PLAIN if cells.get(name)}
    if tags := listed(cells.get("tags")):
        fields["tags"] = tags
    for name in ("role", "language", "legal_basis"):
        if name in fields:
            fields[name] = fields[name].casefold()
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

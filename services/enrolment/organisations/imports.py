"""Organisations from a table: one row each, known again by municipality code or business id."""

from contextlib import suppress
from typing import Any

from marshmallow import ValidationError

from services.enrolment.organisations.schemas import BusinessId, OrganisationInput
from services.enrolment.organisations.store import ORGANISATIONS, with_search_words
from shared.errors import Invalid
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork
from shared.tables import Row, import_rows, nest_languages

_INPUT = OrganisationInput()
KEYS = ("municipality_code", "business_id")
PLAIN = ("kind", "municipality_code", "business_id", "population")
USUAL = {"kind": "municipality"}


def import_organisations(uow: UnitOfWork, rows: list[Row], *, dry_run: bool) -> Document:
    """Creates and updates; a row that is wrong is listed with its errors and leaves the rest alone."""
    rows = [with_keys_as_kept(row) for row in rows]
    known: dict[tuple[str, str], Document] = {}

    def remember(organisation: Document) -> None:
        known.update({(name, organisation[name]): organisation for name in KEYS if organisation.get(name)})

    def find(fields: Document) -> Document | None:
        found = {name: known[name, fields[name]] for name in KEYS if (name, fields.get(name)) in known}
        if len({id(organisation) for organisation in found.values()}) > 1:
            raise Invalid({name: ["This is another organisation's than the rest of the row."] for name in found})
        return next(iter(found.values()), None)

    for organisation in uow.find(ORGANISATIONS.collection, _any_of(rows)):
        remember(organisation)
    return import_rows(
        uow,
        ORGANISATIONS,
        rows,
        schema=_INPUT,
        read=read_organisation,
        find=find,
        remember=remember,
        prepare=with_search_words,
        messages=("organisation.created", "organisation.updated"),
        dry_run=dry_run,
        usual=USUAL,
    )


def read_organisation(cells: dict[str, str]) -> dict[str, Any]:
    """A row's cells as the fields of the input."""
    fields: dict[str, Any] = {name: cells[name] for name in PLAIN if cells.get(name)}
    for name in ("name", "region", "wellbeing_county"):
        texts = nest_languages(cells, name)
        if texts:
            fields[name] = texts
    if "population" in fields and str(fields["population"]).isdigit():
        fields["population"] = int(fields["population"])
    if cells.get("languages"):
        fields["languages"] = [language.strip() for language in cells["languages"].split(",") if language.strip()]
    return fields


def with_keys_as_kept(row: Row) -> Row:
    """The row with its municipality code and business id as organisations have them.

    Spreadsheets take codes for numbers: `91` is Helsinki's `091` again. What is wrong stays as it is, to be told of.
    """
    cells = dict(row.cells)
    if cells.get("municipality_code", "").isdigit():
        cells["municipality_code"] = cells["municipality_code"].zfill(3)
    if cells.get("business_id"):
        with suppress(ValidationError):
            cells["business_id"] = BusinessId().deserialize(cells["business_id"])
    return Row(row.line, cells)


def _any_of(rows: list[Row]) -> Document:
    return {"$or": [{name: {"$in": [row.cells[name] for row in rows if row.cells.get(name)]}} for name in KEYS]}

"""Organisations from a table: one row each, known again by municipality code or business id."""

from typing import Any

from services.enrolment.organisations.schemas import OrganisationInput
from services.enrolment.organisations.store import ORGANISATIONS, with_search_words
from shared.cause import Cause
from shared.mongo.aggregates import Document
from shared.mongo.database import Database, Once
from shared.mongo.work import Work
from shared.tables import ImportResult, Row, import_rows, nest_languages

_INPUT = OrganisationInput()
KEYS = ("municipality_code", "business_id")
PLAIN = ("kind", "municipality_code", "business_id", "population")


def import_organisations(db: Database, cause: Cause, rows: list[Row], *, dry_run: bool, once: Once | None) -> Document:
    """Creates and updates in one transaction; a row that is wrong is told of and leaves the rest alone."""

    def work(unit: Work) -> Document:
        known: dict[tuple[str, str], Document] = {}

        def remember(organisation: Document) -> None:
            known.update({(name, organisation[name]): organisation for name in KEYS if organisation.get(name)})

        def find(fields: Document) -> Document | None:
            return next((known[name, fields[name]] for name in KEYS if (name, fields.get(name)) in known), None)

        for organisation in unit.find(ORGANISATIONS.collection, _any_of(rows)):
            remember(organisation)
        return import_rows(
            unit,
            ORGANISATIONS,
            rows,
            schema=_INPUT,
            read=read_organisation,
            find=find,
            remember=remember,
            prepare=with_search_words,
            messages=("organisation.created", "organisation.updated"),
            dry_run=dry_run,
        )

    return db.transact(work, cause=cause, once=once)


def read_organisation(cells: dict[str, str]) -> dict[str, Any]:
    """A row's cells as the fields of the input; `kind` is a municipality's unless the row says otherwise."""
    fields: dict[str, Any] = {name: cells[name] for name in PLAIN if cells.get(name)}
    for name in ("name", "region", "wellbeing_county"):
        texts = nest_languages(cells, name)
        if texts:
            fields[name] = texts
    fields.setdefault("kind", "municipality")
    if "population" in fields and str(fields["population"]).isdigit():
        fields["population"] = int(fields["population"])
    if cells.get("languages"):
        fields["languages"] = [language.strip() for language in cells["languages"].split(",") if language.strip()]
    return fields


def _any_of(rows: list[Row]) -> Document:
    return {"$or": [{name: {"$in": [row.cells[name] for row in rows if row.cells.get(name)]}} for name in KEYS]}


__all__ = ["ImportResult", "import_organisations"]

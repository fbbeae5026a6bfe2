"""Imports organisations from a table, a row each. A code recognises an existing one, or else kind and name."""

from contextlib import suppress
from typing import Any

from marshmallow import ValidationError

from services.enrolment.importing import day, import_rows, listed, nest_languages, whole_number
from services.enrolment.organisations.schemas import BusinessId, OrganisationInput
from services.enrolment.organisations.store import ORGANISATIONS, with_search_words
from shared.errors import Invalid
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork
from shared.schemas import LANGUAGES
from shared.tables.rows import Row, Table

INPUT = OrganisationInput()
# The first of these in a row identifies the organisation. The others may then be new, or change.
KEYS = ("municipality_code", "business_id", "external_id")
PLAIN = ("kind", *KEYS, "population", "ends_on")
LISTS = ("languages", "email_domains", "tags")
TEXTS = ("name", "region", "wellbeing_county")
COLUMNS = (*PLAIN, *LISTS, *(f"{name}_{language}" for name in TEXTS for language in LANGUAGES))
USUAL = {"kind": "municipality"}


def import_organisations(
    uow: UnitOfWork, table: Table, *, dry_run: bool, show_rows: bool = False, file: str | None = None
) -> Document:
    """Creates and updates organisations. A wrong row is listed with its errors, and does not stop the others."""
    table = Table(rows=[with_keys_as_kept(row) for row in table.rows], unused_columns=table.unused_columns)
    known = _Known()
    for organisation in uow.find(ORGANISATIONS.collection, _any_of(table.rows)):
        known.add(organisation)

    return import_rows(
        uow,
        ORGANISATIONS,
        table,
        schema=INPUT,
        read=lambda row: read_organisation(row.cells),
        find=known.find,
        remember=known.remember,
        prepare=with_search_words,
        messages=("organisation.created", "organisation.updated"),
        dry_run=dry_run,
        show_rows=show_rows,
        file=file,
        usual=USUAL,
    )


class _Known:
    """The organisations by their keys, as they stand after the rows that were handled."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], Document] = {}

    def add(self, organisation: Document) -> None:
        self._by_key.update((key, organisation) for key in _keys_of(organisation))

    def remember(self, row: Row, before: Document | None, after: Document) -> None:
        if before is not None:
            self._remove(before)
        self.add(after)

    def _remove(self, organisation: Document) -> None:
        for key in _keys_of(organisation):
            self._by_key.pop(key, None)

    def find(self, row: Row, fields: Document) -> Document | None:
        """The organisation with the row's first known key. Raises Invalid when the keys contradict one another.

        A row that only a later key recognises never changes an earlier key of the organisation.
        """
        keys = _keys_of({"kind": "municipality", **fields})
        found = {name: self._by_key[name, value] for name, value in keys if (name, value) in self._by_key}
        if not found:
            return None
        organisation = next(iter(found.values()))
        others = {name for name, other in found.items() if other is not organisation}
        if others:
            raise Invalid({name: [f"This is {_name_of(found[name])}'s."] for name in sorted(others)})
        by = next(iter(found))
        for name in KEYS[: KEYS.index(by)] if by in KEYS else ():
            if fields.get(name) and organisation.get(name) and fields[name] != organisation[name]:
                raise Invalid({by: [f"This is {_name_of(organisation)}'s, whose {name} is {organisation[name]}."]})
        return organisation


def _keys_of(organisation: Document) -> list[tuple[str, str]]:
    """The organisation's keys, the strongest first; kind and name when it has no code."""
    codes = [(name, organisation[name]) for name in KEYS if organisation.get(name)]
    if codes:
        return codes
    names = organisation.get("name") or {}
    return [(f"{organisation.get('kind')} {language}", name.casefold()) for language, name in names.items()]


def _name_of(organisation: Document) -> str:
    return next(iter(organisation["name"].values()))  # type: ignore[no-any-return]


def read_organisation(cells: dict[str, str]) -> dict[str, Any]:
    """A row's cells as the fields of the input."""
    fields: dict[str, Any] = {name: cells[name] for name in PLAIN if cells.get(name)}
    for name in TEXTS:
        texts = nest_languages(cells, name)
        if texts:
            fields[name] = texts
    if "population" in fields:
        fields["population"] = whole_number(fields["population"])
    if "ends_on" in fields:
        fields["ends_on"] = day(fields["ends_on"])
    if "kind" in fields:
        fields["kind"] = fields["kind"].casefold()
    for name in LISTS:
        if values := listed(cells.get(name)):
            fields[name] = values if name == "tags" else [value.casefold() for value in values]
    return fields


def with_keys_as_kept(row: Row) -> Row:
    """The row with its municipality code and business id in the form that organisations have.

    Spreadsheets take codes for numbers: `91` becomes Helsinki's `091` again, and `2116752` the Y-tunnus `0211675-2`. A
    wrong code stays as it is: its field refuses it.
    """
    cells = dict(row.cells)
    if code := cells.get("municipality_code"):
        code = str(whole_number(code))
        cells["municipality_code"] = code.zfill(3) if code.isdecimal() else code
    if number := cells.get("business_id"):
        digits = str(whole_number(number))
        if digits.isdecimal() and 6 <= len(digits) <= 8:
            number = f"{digits.zfill(8)[:7]}-{digits[-1]}"
        with suppress(ValidationError):
            number = BusinessId().deserialize(number)
        cells["business_id"] = number
    return Row(row.line, cells, row.errors)


def _any_of(rows: list[Row]) -> Document:
    """The query for every organisation that the rows may be about."""
    by_code = [{name: {"$in": [row.cells[name] for row in rows if row.cells.get(name)]}} for name in KEYS]
    nameless = [row.cells for row in rows if not any(row.cells.get(name) for name in KEYS)]
    columns = [(language, f"name_{language}") for language in LANGUAGES]
    by_name = [
        {f"name.{language}": {"$in": [cells[column] for cells in nameless if cells.get(column)]}}
        for language, column in columns
        if any(cells.get(column) for cells in nameless)
    ]
    return {"$or": [*by_code, *by_name]}

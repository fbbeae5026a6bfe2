"""Imports of CSV and XLSX tables: reading them, and creating or updating an aggregate for each row."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openpyxl
from flask import request
from marshmallow import Schema, fields

from shared.errors import Invalid, Problem
from shared.merge_patch import merge_patch
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.unit_of_work import UnitOfWork
from shared.schemas import LANGUAGES, Strict, flatten_errors

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABLE_TYPES = (CSV, XLSX)
MAX_ROWS = 5_000


@dataclass(frozen=True)
class Row:
    """One row: its line (the header is line 1) and its cells by column name, trimmed."""

    line: int
    cells: dict[str, str]


class DryRunQuery(Strict):
    dry_run = fields.Boolean(load_default=False)


class Rejected(Schema):
    line = fields.Integer(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)


class ImportResult(Schema):
    """What an import did, or with `dry_run` would do."""

    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    rejected = fields.List(fields.Nested(Rejected), required=True)


def read_table() -> list[Row]:
    """The request's body as rows. Raises Problem (400) when it is no table, or one too long."""
    body = request.get_data()
    rows = _read_xlsx(body) if request.mimetype == XLSX else _read_csv(body)
    if len(rows) > MAX_ROWS:
        raise Problem(f"A table may have {MAX_ROWS} rows at most; this has {len(rows)}. Send it in parts.")
    return rows


def nest_languages(cells: dict[str, str], name: str) -> dict[str, str]:
    """`name_fi`, `name_sv`, `name_en` as a text by language."""
    return {language: cells[f"{name}_{language}"] for language in LANGUAGES if cells.get(f"{name}_{language}")}


def import_rows(
    uow: UnitOfWork,
    aggregate: Aggregate[Any],
    rows: list[Row],
    *,
    schema: Schema,
    read: Callable[[dict[str, str]], dict[str, Any]],
    find: Callable[[Document], Document | None],
    remember: Callable[[Document], None],
    prepare: Callable[[Document], Document],
    messages: tuple[str, str],
    dry_run: bool,
    usual: Document | None = None,
) -> Document:
    """Creates what `find` does not know and updates what it knows and what differs.

    `read` makes input fields of a row's cells, `schema` checks them, `prepare` adds what is kept
    besides, `messages` are the types for created and updated, `usual` is what a new one has unless its
    row says otherwise. `read` and `find` may raise Invalid. Columns that a row leaves empty change nothing.
    """
    result: dict[str, Any] = {"created": 0, "updated": 0, "unchanged": 0, "rejected": []}
    for row in rows:
        try:
            given = read(row.cells)
            existing = find(given)
            before = aggregate.to_public(existing) if existing else usual or {}
            inputs = {name: before[name] for name in schema.load_fields if before.get(name) is not None}
            merged = merge_patch(inputs, given)
            errors = flatten_errors(schema.validate(merged))
        except Invalid as error:
            errors = error.errors
        if errors:
            result["rejected"].append({"line": row.line, "errors": errors})
            continue
        document = prepare(schema.load(merged))
        if existing is None:
            result["created"] += 1
            made = uow.insert(aggregate, document, messages[0]) if not dry_run else {**document, "version": 1}
            remember(made)
        elif all(existing.get(name) == value for name, value in document.items()):
            result["unchanged"] += 1
        else:
            result["updated"] += 1
            remember(uow.save(aggregate, existing, document, messages[1]) if not dry_run else {**existing, **document})
    return result


def _read_csv(body: bytes) -> list[Row]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("The table must be in UTF-8.") from error
    if "\0" in text:
        raise Problem("The table has a NUL character, which is no text.")
    header, _, _ = text.partition("\n")
    delimiter = ";" if header.count(";") > header.count(",") else ","
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines, line = [], 1
        for cells in reader:
            lines.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise Problem(f"The table cannot be read as CSV: {error}.") from error
    return _rows(lines)


def _read_xlsx(body: bytes) -> list[Row]:
    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        lines = [
            (number, ["" if cell is None else str(cell) for cell in cells])
            for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1)
        ]
    except Exception as error:  # a broken file fails wherever the parser happens to be
        raise Problem("The table cannot be read as XLSX.") from error
    return _rows(lines)


def _rows(lines: list[tuple[int, list[str]]]) -> list[Row]:
    if not lines:
        raise Problem("The table is empty: its first line names the columns.")
    columns = [name.strip() for name in lines[0][1]]
    named = [name for name in columns if name]
    if len(set(named)) != len(named):
        raise Problem("Two columns of the table have the same name.")
    rows = []
    for line, cells in lines[1:]:
        if any(cell.strip() for cell in cells):
            rows.append(Row(line, {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}))
    return rows

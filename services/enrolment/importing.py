"""Imports: an aggregate created or updated for each row of a table."""

import re
from collections.abc import Callable
from typing import Any

from marshmallow import Schema, fields

from services.enrolment.imports.record import Record
from shared.errors import Invalid
from shared.merge_patch import merge_patch
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.unit_of_work import UnitOfWork
from shared.schemas import LANGUAGES, Line, Strict, flatten_errors
from shared.tables.rows import Row, Table


class ImportQuery(Strict):
    dry_run = fields.Boolean(load_default=False)
    file = Line(metadata={"description": "the file's name, for the history of what the import changes"})
    rows = fields.Boolean(load_default=False, metadata={"description": "say for each row what happens to it"})


class Rejected(Schema):
    line = fields.Integer(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True)


class RowOutcome(Schema):
    """A row's outcome, and the fields that it changes: field → {from, to}."""

    line = fields.Integer(required=True)
    action = fields.String(required=True, metadata={"description": "create, update, unchanged or reject"})
    id = fields.String(allow_none=True)
    changes = fields.Dict()


class ImportResult(Schema):
    """The outcome of an import, or with `dry_run` its outcome beforehand."""

    id = fields.String(required=True, allow_none=True, metadata={"description": "for its undoing; null of a dry run"})
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    rejected = fields.List(fields.Nested(Rejected), required=True)
    unused_columns = fields.List(fields.String(), required=True)
    rows = fields.List(fields.Nested(RowOutcome))


def nest_languages(cells: dict[str, str], name: str) -> dict[str, str]:
    """`name_fi`, `name_sv`, `name_en` as a text by language."""
    return {language: cells[f"{name}_{language}"] for language in LANGUAGES if cells.get(f"{name}_{language}")}


def listed(cell: str | None) -> list[str]:
    """A cell with several values, divided by commas or semicolons."""
    return [part.strip() for part in re.split("[,;]", cell or "") if part.strip()]


def day(text: str) -> str:
    """`31.12.2024` as `2024-12-31`; any other text as it is, for the schema to refuse or to take."""
    found = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text)
    return f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}" if found else text


def whole_number(text: str) -> int | str:
    """`12 345`, `12345,0` and the like as a number; any other text as it is, for the schema to refuse."""
    digits = re.sub(r"[\s\u00a0\u202f]", "", text)
    digits = re.sub(r"[.,]0+$", "", digits)
    # 15 digits are what a spreadsheet keeps exactly.
    return int(digits) if digits.isdecimal() and len(digits) <= 15 else text


def import_rows(
    uow: UnitOfWork,
    aggregate: Aggregate[Any],
    table: Table,
    *,
    schema: Schema,
    read: Callable[[Row], dict[str, Any]],
    find: Callable[[Row, Document], Document | None],
    remember: Callable[[Row, Document | None, Document], None],
    prepare: Callable[[Document], Document],
    messages: tuple[str, str],
    dry_run: bool,
    show_rows: bool = False,
    file: str | None = None,
    usual: Document | None = None,
    adjust: Callable[[Document, Document], Document] = lambda _, document: document,
) -> Document:
    """Creates the rows that `find` does not know, and updates those that it knows and that differ.

    `read` makes input fields of a row, `schema` checks them, `prepare` adds the fields that are kept besides,
    `remember(row, before, after)` is told of each created or updated document, `messages` are the types for
    created and updated, `file` is the table's name for their histories, `usual` are the fields of a new one unless
    its row says otherwise, `adjust(existing, document)` gives what is saved of an update. `read` and `find` may raise
    Invalid. Columns that a row leaves empty change nothing.
    """
    record = Record(aggregate.collection, file)
    result: dict[str, Any] = {"created": 0, "updated": 0, "unchanged": 0, "rejected": []}
    outcomes: list[dict[str, Any]] = []
    for row in table.rows:
        try:
            if row.errors:
                raise Invalid(row.errors)
            existing, document = _checked(aggregate, row, schema, read, find, prepare, usual or {})
        except Invalid as error:
            result["rejected"].append({"line": row.line, "errors": error.errors})
            outcomes.append({"line": row.line, "action": "reject", "id": None, "changes": {}})
            continue
        action = _action(existing, document)
        result[{"create": "created", "update": "updated"}.get(action, action)] += 1
        after: Document = {"_id": None, **(existing or {"version": 1}), **document}
        if not dry_run and existing is None:
            after = uow.insert(aggregate, document, messages[0], reason=record.reason(row.line))
        elif not dry_run and existing is not None and action == "update":
            changes = adjust(existing, document)
            after = uow.save(aggregate, existing, changes, messages[1], reason=record.reason(row.line))
        if action != "unchanged":
            remember(row, existing, after)
            record.add(row.line, existing, after)
        if show_rows:
            outcomes.append(_outcome(aggregate, row, action, existing, after))
    if not dry_run:
        record.save(uow, result)
    result |= {"id": None if dry_run else record.id, "unused_columns": table.unused_columns}
    return {**result, "rows": outcomes} if show_rows else result


def _checked(
    aggregate: Aggregate[Any],
    row: Row,
    schema: Schema,
    read: Callable[[Row], dict[str, Any]],
    find: Callable[[Row, Document], Document | None],
    prepare: Callable[[Document], Document],
    usual: Document,
) -> tuple[Document | None, Document]:
    given = read(row)
    existing = find(row, given)
    before = aggregate.to_public(existing) if existing else usual
    inputs = {name: before[name] for name in schema.load_fields if before.get(name) is not None}
    merged = merge_patch(inputs, given)
    errors = flatten_errors(schema.validate(merged))
    if errors:
        raise Invalid(errors)
    return existing, prepare(schema.load(merged))


def _action(existing: Document | None, document: Document) -> str:
    if existing is None:
        return "create"
    return "unchanged" if all(existing.get(name) == value for name, value in document.items()) else "update"


def _outcome(
    aggregate: Aggregate[Any], row: Row, action: str, existing: Document | None, after: Document
) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if action == "update" and existing is not None:
        names = {name for name in after if existing.get(name) != after[name]} & aggregate.schema().fields.keys()
        changes = {
            name: {"from": existing.get(name), "to": after[name]}
            for name in sorted(names - {"version", "created_at", "updated_at", "id"})
        }
    return {"line": row.line, "action": action, "id": after.get("_id"), "changes": changes}

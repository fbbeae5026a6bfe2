"""Tables as answers: CSV, or XLSX where the caller asks for it."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import openpyxl
from flask import Response, request
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from shared.tables import CSV, XLSX

# XML 1.0, 2.2 forbids these. openpyxl lets them through, and no spreadsheet opens such a file.
_NO_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


def table_answer(
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    *,
    name: str,
    format: str | None = None,
    separator: str = ",",
) -> Response:
    """The rows as a file `name`.csv or .xlsx: as `format` says, else as Accept prefers, else CSV.

    A text that a spreadsheet would take for a formula is made escape_formula by an apostrophe before it.
    """
    if format is None:
        preferred = request.accept_mimetypes.best_match([CSV, XLSX], default=CSV)
        format = "xlsx" if preferred == XLSX else "csv"
    lines = [[escape_formula(row.get(column)) for column in columns] for row in rows]
    body = _xlsx(columns, lines) if format == "xlsx" else _csv(columns, lines, separator)
    response = Response(body, content_type=XLSX if format == "xlsx" else f"{CSV}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{format}"'
    return response


def escape_formula(value: Any) -> Any:
    """A cell that no spreadsheet runs (OWASP, CSV injection); numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%"):
        return f"'{value}"
    return "" if value is None else value


def _csv(columns: Sequence[str], lines: Iterable[Sequence[Any]], separator: str) -> bytes:
    # The byte order mark makes spreadsheets read it as UTF-8.
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(columns)
    writer.writerows([_harmless_parts(value, separator) for value in line] for line in lines)
    return text.getvalue().encode("utf-8-sig")


def _harmless_parts(value: Any, separator: str) -> Any:
    """Escapes formulas behind the other separator: a Finnish spreadsheet splits at `;`, so one cell becomes several."""
    other = "," if separator == ";" else ";"
    return re.sub(rf"([{other}\t\r\n] *)([=+\-@|%])", r"\1'\2", value) if isinstance(value, str) else value


def _xlsx(columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for line in [columns, *lines]:
        sheet.append([_cell(sheet, value) for value in line])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _cell(sheet: Any, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, _NO_XML.sub("", ILLEGAL_CHARACTERS_RE.sub("", value)))
    cell.data_type = "s"
    return cell

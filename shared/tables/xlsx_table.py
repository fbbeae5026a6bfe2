"""XLSX, read row by row: the first visible sheet that has a header, within bounds of time and memory."""

import io
import zipfile
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any

import openpyxl

from shared.errors import Problem
from shared.tables.rows import MAX_COLUMNS, Cell, Table, table_of

# 5,000 rows of a dozen columns are some 10 MB of XML; small files can claim gigabytes.
MAX_UNPACKED_BYTES = 48_000_000
MAX_PARTS = 1_000
# A stray cell far below makes a million empty rows of a small file.
MAX_LINES = 50_000
NO_VALUE = "The formula's value is not in the file: open it in a spreadsheet and save it there first."


def read_xlsx(body: bytes, columns: Collection[str]) -> Table:
    """The table of the first visible sheet with a header. Raises Problem (400) with a sentence when there is none."""
    has_formulas = _check_parts(body)
    try:
        values = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        formulas = openpyxl.load_workbook(io.BytesIO(body), read_only=True) if has_formulas else None
        sheets = [sheet for sheet in values.worksheets if sheet.sheet_state == "visible"] or values.worksheets
        problem: Problem | None = None
        for sheet in sheets:
            written = formulas[sheet.title] if formulas else None
            try:
                return table_of(_lines(sheet, written), columns)
            except Problem as error:
                problem = problem or error
        raise problem or Problem("The workbook has no sheet.")
    except Problem:
        raise
    except Exception as error:  # a broken file fails wherever the parser happens to be
        raise Problem("The table cannot be read as XLSX.") from error


def _check_parts(body: bytes) -> bool:
    """Whether the workbook has formulas. Raises Problem for another file, and for a file that unpacks to too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as file:
            parts = file.infolist()
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
                raise Problem(
                    f"The workbook unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000} MB: "
                    "copy the rows into a new workbook, or send them as CSV."
                )
            sheets = [part for part in parts if part.filename.startswith("xl/worksheets/")]
            return any(b"<f" in file.read(part) for part in sheets)
    except Problem:
        raise
    except Exception as error:  # a broken file fails wherever the parser happens to be
        raise Problem("The table cannot be read as XLSX.") from error


def _lines(sheet: Any, written: Any) -> Iterator[tuple[int, list[Cell]]]:
    sheet.reset_dimensions()  # a sheet may claim 16,384 columns: only the real cells of a row are read
    originals: Iterator[Sequence[Any]] | None = None
    if written is not None:
        written.reset_dimensions()
        originals = iter(written.iter_rows())
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if number > MAX_LINES:
            raise Problem(f"The sheet goes on below line {MAX_LINES}. Remove what stands there.")
        original = next(originals, ()) if originals is not None else ()
        if cells and any(cell.value is not None for cell in cells[MAX_COLUMNS:]):
            raise Problem(f"Row {number} has more than {MAX_COLUMNS} columns. Remove what stands to the right.")
        found = [_cell(cell) for cell in cells[:MAX_COLUMNS]]
        for position, formula in enumerate(original[: len(found)]):
            if getattr(formula, "data_type", None) == "f" and not found[position].text and not found[position].error:
                found[position] = Cell("", NO_VALUE)
        yield number, found


def _cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return Cell("")
    if cell.data_type == "e":
        return Cell(str(value), f"The cell holds {value}: its formula found nothing.")
    if isinstance(value, bool):
        return Cell("true" if value else "false")
    if isinstance(value, float):
        # A spreadsheet has no whole numbers: 401234567 may be stored as 401234567.0 or 4.01234567E8.
        return Cell(str(int(value)) if value.is_integer() else repr(value))
    if isinstance(value, datetime):
        midnight = value.time().isoformat() == "00:00:00"
        return Cell(value.date().isoformat() if midnight else value.isoformat(" "))
    if isinstance(value, date):
        return Cell(value.isoformat())
    return Cell(str(value))

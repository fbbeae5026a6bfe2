"""The rows of a table under its header, from CSV or XLSX."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from shared.errors import Problem
from shared.text import one_line

# An import is one transaction: 10,000 rows take four of its ten seconds.
MAX_ROWS = 10_000
# More than any of our tables has. A stray space can make a sheet claim 16,384 columns.
MAX_COLUMNS = 200
# A title, a date and an empty line or two above the header.
HEADER_WITHIN = 10
# Values by which spreadsheets say that a formula failed (ECMA-376, 18.17.2.7, and newer ones).
ERROR_VALUES = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#PUUTTUU!", "#ARVO!"}
)


@dataclass(frozen=True)
class Row:
    """One row: its line (the table's first is line 1), its cells by column name, and the cells that cannot be read."""

    line: int
    cells: dict[str, str]
    errors: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Table:
    """The rows below the header, and the unused columns."""

    rows: list[Row]
    unused_columns: list[str]


@dataclass(frozen=True)
class Cell:
    """A cell's text, or the reason why it cannot be used."""

    text: str
    error: str | None = None


Lines = Iterable[tuple[int, Sequence[Cell]]]


def column_name(text: str) -> str:
    """A header in its compared form: `Municipality Code` and `municipality_code ` are the same."""
    try:
        text = one_line(text)
    except ValueError:
        text = " ".join(text.split())
    return re.sub(r"[\s_-]+", "_", text.casefold()).strip("_")


def unescaped(text: str) -> str:
    """The cell without the apostrophes by which an export keeps spreadsheets from running it as a formula."""
    return re.sub(r"(^|[,;] *)'(?=[=+\-@|%])", r"\1", text)


def table_of(lines: Lines, columns: Collection[str]) -> Table:
    """The rows of `lines`, whose header is the first line that has one of `columns`.

    Raises Problem (400) when no line near the top names a column, when two columns have one name, and for
    more than MAX_ROWS rows.
    """
    numbered = iter(lines)
    header, above = _find_header(numbered, columns)
    if header is None:
        found = ", ".join(above[0][:8]) if above else ""
        raise Problem(
            f"The first line must name the columns, such as {', '.join(list(columns)[:4])}. "
            + (f"It has: {found}." if found else "The table is empty.")
        )
    names = [column_name(cell.text) for cell in header]
    known = [name for name in names if name in columns]
    if len(set(known)) != len(known):
        raise Problem("Two columns of the table have the same name.")
    unused = [cell.text.strip() for cell, name in zip(header, names, strict=True) if name and name not in columns]
    return Table(rows=list(_rows(numbered, names, columns)), unused_columns=unused)


def _find_header(
    lines: Iterator[tuple[int, Sequence[Cell]]], columns: Collection[str]
) -> tuple[Sequence[Cell] | None, list[list[str]]]:
    above: list[list[str]] = []
    for _, cells in lines:
        if not any(cell.text.strip() for cell in cells):
            continue
        if any(column_name(cell.text) in columns for cell in cells):
            return cells, above
        above.append([cell.text.strip() for cell in cells if cell.text.strip()])
        if len(above) >= HEADER_WITHIN:
            break
    return None, above


def _rows(lines: Lines, names: Sequence[str], columns: Collection[str]) -> Iterator[Row]:
    count = 0
    for line, cells in lines:
        if not any(cell.text.strip() or cell.error for cell in cells):
            continue
        count += 1
        if count > MAX_ROWS:
            raise Problem(f"A table may have {MAX_ROWS} rows at most. Send it in parts.")
        yield _row(line, cells, names, columns)


def _row(line: int, cells: Sequence[Cell], names: Sequence[str], columns: Collection[str]) -> Row:
    errors: dict[str, list[str]] = {}
    last = max((position for position, cell in enumerate(cells, 1) if cell.text.strip()), default=0)
    if last > len(names):
        errors["row"] = [f"The row has {last} cells, the header {len(names)}: a separator too many, perhaps."]
    values: dict[str, str] = {}
    for name, cell in zip(names, cells, strict=False):
        if name not in columns:
            continue
        if cell.error or cell.text.strip() in ERROR_VALUES:
            errors[name] = [cell.error or f"The cell holds {cell.text.strip()}: its formula found nothing."]
        else:
            # Alt+Enter breaks a line within a cell; our texts in tables are one line each.
            values[name] = unescaped(re.sub(r"\s*[\r\n]+\s*", " ", cell.text.strip()))
    return Row(line, values, errors)

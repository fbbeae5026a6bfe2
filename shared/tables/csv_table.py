"""CSV as spreadsheets write it: comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252."""

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator
from itertools import islice

from shared.errors import Problem
from shared.tables.rows import HEADER_WITHIN, Cell, Table, column_name, table_of

SEPARATORS = (",", ";", "\t")
# A longer text is no cell. This is Python's own limit.
MAX_CELL = 131_072


def read_csv(body: bytes, columns: Collection[str], *, charset: str | None = None) -> Table:
    """The table in `body`. Raises Problem (400) with a sentence when it is no table."""
    text = decoded(body, charset)
    if "\0" in text:
        raise Problem("The table has a NUL character, which is no text.")
    separator, text = _declared_separator(text)
    return table_of(_lines(text, separator or _likely_separator(text, columns)), columns)


def decoded(body: bytes, charset: str | None = None) -> str:
    """The text of `body`: by its byte order mark, as UTF-8, as UTF-16 without a mark, or as Windows-1252.

    Excel on a Finnish Windows writes its CSV in Windows-1252 and its «Unicode text» in UTF-16.
    """
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode(body, "utf-16")
    if body.startswith(codecs.BOM_UTF8):
        return _decode(body, "utf-8-sig")
    if charset:
        return _decode(body, charset)
    if body[:64].count(0) > len(body[:64]) // 3:  # every second byte of an ASCII text in UTF-16
        return _decode(body, "utf-16-be" if body[:1] == b"\0" else "utf-16-le")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode(body, "cp1252")


def _decode(body: bytes, encoding: str) -> str:
    try:
        return body.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise Problem(
            "The table's letters cannot be read: save it as UTF-8 (in Excel: CSV UTF-8), UTF-16 or Windows-1252."
        ) from error


def _declared_separator(text: str) -> tuple[str | None, str]:
    """Excel's own first line `sep=;`, and the text behind it."""
    found = re.match(r'"?sep=(.)"?\r?\n', text, re.IGNORECASE)
    return (found[1], text[found.end() :]) if found else (None, text)


def _likely_separator(text: str, columns: Collection[str]) -> str:
    """The separator that makes most column names of one of the first lines."""

    def named(separator: str) -> int:
        lines = csv.reader(io.StringIO(text[:20_000], newline=""), delimiter=separator)
        try:
            return max(sum(column_name(cell) in columns for cell in cells) for cells in islice(lines, HEADER_WITHIN))
        except (csv.Error, ValueError):
            return 0

    return max(SEPARATORS, key=named)


def _lines(text: str, separator: str) -> Iterator[tuple[int, list[Cell]]]:
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [Cell(cell) for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise Problem(f"The table cannot be read as CSV: {error} (line {line}).") from error

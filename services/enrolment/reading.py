"""The table in a request's body."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, TypeVar

from flask import request

from shared.tables import XLSX
from shared.tables.csv_table import read_csv
from shared.tables.rows import Table
from shared.tables.xlsx_table import read_xlsx

View = TypeVar("View", bound=Callable[..., Any])


def names_columns(columns: Collection[str]) -> Callable[[View], View]:
    """Names the table's columns in the OpenAPI description of the view."""
    return partial(_naming, columns)


def _naming(columns: Collection[str], view: View) -> View:
    names = ", ".join(f"`{column}`" for column in columns)
    view.__doc__ = (
        f"{view.__doc__}\n\nThe first line names the columns, in any order and case: {names}. "
        "An empty cell changes nothing; several values of a cell are divided by commas."
    )
    return view


def read_table(columns: Collection[str]) -> Table:
    """The request's body as a table with these columns. Raises Problem (400) for other bodies and for too many rows."""
    body = request.get_data()
    if request.mimetype == XLSX:
        return read_xlsx(body, columns)
    return read_csv(body, columns, charset=request.mimetype_params.get("charset"))

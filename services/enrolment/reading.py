"""The table in a request's body."""

from collections.abc import Collection

from flask import request

from shared.tables import XLSX
from shared.tables.csv_table import read_csv
from shared.tables.rows import Table
from shared.tables.xlsx_table import read_xlsx


def read_table(columns: Collection[str]) -> Table:
    """The request's body as a table with these columns. Raises Problem (400) for other bodies and for too many rows."""
    body = request.get_data()
    if request.mimetype == XLSX:
        return read_xlsx(body, columns)
    return read_csv(body, columns, charset=request.mimetype_params.get("charset"))

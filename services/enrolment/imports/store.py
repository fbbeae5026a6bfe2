"""The collections of imports and of what each of their rows did. They have no topic."""

from datetime import datetime, timedelta
from typing import TypedDict

from pymongo import IndexModel

from services.enrolment.imports.domain import LIFECYCLE
from services.enrolment.imports.schemas import Import
from shared.mongo.aggregates import Aggregate

# A row for each document that an import created or updated: its line, and the versions before and after.
ROWS = "import_rows"
# Whoever has lived with an import for three months does not take it back.
ROWS_KEPT_FOR = timedelta(days=92)
ROWS_INDEXES = [
    IndexModel([("import_id", 1), ("line", 1)], name="import"),
    IndexModel("expires_at", name="ttl", expireAfterSeconds=0),
]


class ImportDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    state: str
    of: str
    file: str | None
    by: str
    created: int
    updated: int
    unchanged: int
    rejected: int


IMPORTS: Aggregate[ImportDocument] = Aggregate(
    name="import",
    collection="imports",
    source="/uso/enrolment",
    schema=Import,
    lifecycle=LIFECYCLE,
    indexes=[
        IndexModel([("of", 1), ("_id", 1)], name="of"),
        IndexModel([("state", 1), ("_id", 1)], name="state"),
    ],
)

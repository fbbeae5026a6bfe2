"""What an import did, kept for as long as it may be taken back."""

from collections.abc import Mapping
from typing import Any

from pymongo import InsertOne

from services.enrolment.imports.store import IMPORTS, ROWS, ROWS_KEPT_FOR
from shared.ids import new_id
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork


class Record:
    """Gathers what the rows of one import do; `save` keeps it."""

    def __init__(self, of: str, file: str | None) -> None:
        self.id = new_id()
        self._of = of
        self._file = file
        self._rows: dict[str, Document] = {}

    def reason(self, line: int) -> str:
        """What the history of a document says of its row: the file and the line."""
        return f"Import of {self._file or 'a table'}, line {line}"

    def add(self, line: int, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
        """A row created or updated the document. Of several rows about one document the first is where it began."""
        first = self._rows.get(after["_id"])
        begun = first or {"line": line, "from_version": before["version"] if before else None}
        self._rows[after["_id"]] = {**begun, "of": after["_id"], "version": after["version"]}

    def save(self, uow: UnitOfWork, result: Mapping[str, Any]) -> None:
        counts = {name: result[name] for name in ("created", "updated", "unchanged")}
        fields = {"of": self._of, "file": self._file, "by": uow.cause.actor, "rejected": len(result["rejected"])}
        uow.insert(IMPORTS, {**fields, **counts, "_id": self.id, "state": "done"}, "import.done")
        kept = {"import_id": self.id, "expires_at": uow.now + ROWS_KEPT_FOR}
        uow.write(ROWS, *(InsertOne({**row, **kept, "_id": new_id()}) for row in self._rows.values()))

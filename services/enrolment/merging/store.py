"""What a merge changed, kept for as long as it may be taken back."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pymongo import IndexModel, ReplaceOne

from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.unit_of_work import UnitOfWork

# A document for each merged contact, with its id: `into`, and the versions of each document that the merge changed.
MERGES = "merges"
MERGES_INDEXES = [IndexModel("expires_at", name="ttl", expireAfterSeconds=0)]
# As long as an import may be taken back.
KEPT_FOR = timedelta(days=92)


class MergeRecord:
    """Saves documents in a merge's name, and remembers their versions."""

    def __init__(self, uow: UnitOfWork, this: str, other: str) -> None:
        self._uow = uow
        self._this = this
        self._other = other
        self._documents: list[Document] = []

    def save(
        self,
        aggregate: Aggregate[Any],
        before: Mapping[str, Any],
        changes: Mapping[str, Any],
        type: str,
        **options: Any,
    ) -> Any:
        """As `UnitOfWork.save`."""
        after = self._uow.save(aggregate, before, changes, type, **options)
        versions = {"from_version": before["version"], "version": after["version"]}
        self._documents.append({"kind": aggregate.name, "id": before["_id"], **versions})
        return after

    def keep(self) -> None:
        """Keeps what was saved; at the end of the merge."""
        row = {"_id": self._this, "into": self._other, "documents": self._documents, "at": self._uow.now}
        kept = {**row, "by": self._uow.cause.actor, "expires_at": self._uow.now + KEPT_FOR}
        self._uow.write(MERGES, ReplaceOne({"_id": self._this}, kept, upsert=True))

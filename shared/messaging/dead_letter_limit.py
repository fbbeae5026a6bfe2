"""The limit of dead letters: a release that cannot handle its messages must stop, and not bury a whole topic."""

from pymongo import UpdateOne

from shared.mongo.database import DEAD_LETTER_COUNTS, Database
from shared.mongo.unit_of_work import UnitOfWork

# Poisoned messages come singly. Twenty in a row mean that this release can handle nothing.
RUN_LIMIT = 20
# A release that fails on one type among several never has such a run. One in ten is far more than poison.
RATIO_LIMIT = 20
RATIO_WINDOW = 200


class DeadLetterLimit:
    """Counts handled messages and dead letters in a row of the database, which outlives the process.

    Only a dead letter writes the row. Handled messages are counted in memory, and saved now and then.
    """

    def __init__(self, db: Database, group: str) -> None:
        self.db = db
        self.group = group
        self._handled = 0
        self._has_row = True

    def handled(self, count: int) -> None:
        self._handled += count

    def exceeded(self) -> str | None:
        """The reason why no further message may become a dead letter; None while one may."""
        row = self.db[DEAD_LETTER_COUNTS].find_one({"_id": self.group})
        if row is None:
            return None
        if not self._handled and row["in_a_row"] >= RUN_LIMIT:
            return f"{RUN_LIMIT} messages in a row could not be handled"
        seen = row["handled"] + self._handled + 1
        if sum(seen - at < RATIO_WINDOW for at in row["recent"]) >= RATIO_LIMIT:
            return f"{RATIO_LIMIT} of the last {RATIO_WINDOW} messages could not be handled"
        return None

    def add(self, uow: UnitOfWork) -> None:
        """Counts one dead letter, in the transaction that stores it."""
        row = uow.find_one(DEAD_LETTER_COUNTS, {"_id": self.group}) or {"handled": 0, "in_a_row": 0, "recent": []}
        seen = row["handled"] + self._handled + 1
        now = {
            "handled": seen,
            "in_a_row": 1 if self._handled else row["in_a_row"] + 1,
            "recent": [*row["recent"], seen][-RATIO_LIMIT:],
        }
        uow.write(DEAD_LETTER_COUNTS, UpdateOne({"_id": self.group}, {"$set": now}, upsert=True))

    def added(self) -> None:
        """Call it after the commit of the transaction that stored the dead letter."""
        self._handled = 0
        self._has_row = True

    def save(self) -> None:
        """Saves the number of messages handled since the last dead letter. Raises PyMongoError."""
        if self._handled and self._has_row:
            change = {"$inc": {"handled": self._handled}, "$set": {"in_a_row": 0}}
            self._has_row = bool(self.db[DEAD_LETTER_COUNTS].update_one({"_id": self.group}, change).matched_count)
            self._handled = 0

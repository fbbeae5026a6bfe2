"""How many mails the server is given: what the operator allows a minute and a day, and less when it asks for less.

All senders of all workers count together, by MongoDB's clock.
"""

import threading
import time

from pymongo import ReturnDocument

from shared.mongo.aggregates import Document
from shared.mongo.database import Database

PACE = "mail_pace"
ROW = "relay"
# Where no limit is set, a server that says "slow down" gets half of this, and half of that when it says so again.
ASSUMED_A_MINUTE, SLOWEST_A_MINUTE = 60, 6
SLOW_FOR_SECONDS = 600
# Until a sender hears that another one was told to slow down.
LOOKS_EVERY_SECONDS = 5.0
NO_LIMIT = 10**9


class Pace:
    """Counts what the server is given. 0: no limit. For several threads."""

    def __init__(self, db: Database, *, a_minute: int = 0, a_day: int = 0) -> None:
        self.db = db
        self._a_minute = a_minute or NO_LIMIT
        self._a_day = a_day or NO_LIMIT
        self._lock = threading.Lock()
        self._looked_at = -LOOKS_EVERY_SECONDS
        self._slow = False

    def take(self, wanted: int) -> int:
        """How many of the wanted mails may be sent now; they are counted as sent."""
        if not self._counts():
            return wanted
        slow = {"$gt": [{"$ifNull": ["$slow_until", "$$NOW"]}, "$$NOW"]}
        minute, day = _begin("minute"), _begin("day")
        left = [
            {
                "$subtract": [
                    {"$cond": [slow, {"$min": ["$slow_a_minute", self._a_minute]}, self._a_minute]},
                    "$in_minute",
                ]
            },
            {"$subtract": [self._a_day, "$in_day"]},
        ]
        row = self._update(
            {
                "in_minute": {"$cond": [{"$eq": ["$minute", minute]}, "$in_minute", 0]},
                "in_day": {"$cond": [{"$eq": ["$day", day]}, "$in_day", 0]},
                "minute": minute,
                "day": day,
            },
            {"taken": {"$max": [0, {"$min": [wanted, *left]}]}},
            {"in_minute": {"$add": ["$in_minute", "$taken"]}, "in_day": {"$add": ["$in_day", "$taken"]}},
        )
        return int(row["taken"])

    def give_back(self, number: int) -> None:
        """So many of those taken were not there to be sent."""
        if number and self._counts():
            self._update(
                {"in_minute": {"$max": [0, {"$subtract": ["$in_minute", number]}]}},
                {"in_day": {"$max": [0, {"$subtract": ["$in_day", number]}]}},
            )

    def slow_down(self) -> None:
        """The server has asked for less: half of what it gets now, for ten minutes."""
        now = {"$cond": [{"$gt": [{"$ifNull": ["$slow_until", "$$NOW"]}, "$$NOW"]}, "$slow_a_minute", self._usual()]}
        half = {"$max": [SLOWEST_A_MINUTE, {"$floor": {"$divide": [now, 2]}}]}
        until = {"$add": ["$$NOW", SLOW_FOR_SECONDS * 1000]}
        self._update({"slow_a_minute": half, "slow_until": until})
        with self._lock:
            self._slow, self._looked_at = True, time.monotonic()

    def _usual(self) -> int:
        return self._a_minute if self._a_minute < NO_LIMIT else ASSUMED_A_MINUTE

    def _counts(self) -> bool:
        """Whether there is a limit now. Without one in the settings, the row is looked at now and then."""
        if min(self._a_minute, self._a_day) < NO_LIMIT:
            return True
        with self._lock:
            if time.monotonic() - self._looked_at >= LOOKS_EVERY_SECONDS:
                slow = {"_id": ROW, "$expr": {"$gt": ["$slow_until", "$$NOW"]}}
                self._slow = self.db[PACE].find_one(slow, {"_id": 1}) is not None
                self._looked_at = time.monotonic()
            return self._slow

    def _update(self, *steps: Document) -> Document:
        row = self.db[PACE].find_one_and_update(
            {"_id": ROW}, [{"$set": step} for step in steps], upsert=True, return_document=ReturnDocument.AFTER
        )
        return row or {"taken": 0}


def _begin(unit: str) -> Document:
    return {"$dateTrunc": {"date": "$$NOW", "unit": unit}}

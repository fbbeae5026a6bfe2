"""A lease: one holder at a time, by MongoDB's clock."""

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from shared.ids import new_id
from shared.mongo.database import LEASES, Database
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

# After this time at most another relay follows a killed one. A shorter lease would end in a slow second of MongoDB.
LEASE_SECONDS = 6.0


def relay_lease(service: str, shard: int = 0) -> str:
    """The name of the lease for one shard of a service's relay."""
    return f"{service}-relay-{shard}"


def unique_holder(process_name: str) -> str:
    """A holder's name that no other process has: two processes of one name would both believe that they lead."""
    return f"{process_name} {socket.gethostname()}/{os.getpid()}/{new_id()[-8:]}"


class Lease:
    """The lease of a leader: a row that is renewed every second and runs out after six.

    It keeps two relays from fencing each other in turns. It does not make writing safe: Kafka's fencing does.
    """

    def __init__(self, db: Database, name: str, holder: str) -> None:
        self.db = db
        self.name = name
        self.holder = holder
        self.held = False
        self.reached: Callable[[], str | None] = lambda: None

    def take(self) -> bool:
        """Takes or renews a lease that is free, expired or ours. MongoDB's clock decides, not this machine's."""
        free = {"$or": [{"$eq": ["$holder", self.holder]}, {"$lt": ["$until", "$$NOW"]}]}
        until = {"$add": ["$$NOW", round(LEASE_SECONDS * 1000)]}
        mine = {"holder": {"$literal": self.holder}, "until": until, **self._reached()}
        change = {name: {"$cond": [free, value, f"${name}"]} for name, value in mine.items()}
        try:
            lease = self.db[LEASES].find_one_and_update(
                {"_id": self.name}, [{"$set": change}], upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:  # another process was quicker to make it
            self.held = False
        else:
            self.held = lease is not None and lease["holder"] == self.holder
        return self.held

    def attempt(self) -> bool:
        """`take`, or False when the database does not answer."""
        try:
            return self.take()
        except PyMongoError as error:
            log.warning("the lease could not be reached", error=type(error).__name__)
            return False

    def _reached(self) -> dict[str, Any]:
        """Sets the relay's progress, for operators. The next renewal writes it, so it costs no round trip."""
        reached = self.reached()
        return {} if reached is None else {"reached": {"$max": ["$reached", reached]}, "noted_at": "$$NOW"}

    def keep(self, stop: threading.Event) -> None:
        """Renews until it is lost or `stop` is set."""
        renewed = time.monotonic()
        while self.held and not stop.wait(LEASE_SECONDS / 6):
            if self.attempt():
                renewed = time.monotonic()
            elif time.monotonic() - renewed > LEASE_SECONDS:
                self.held = False

    def give_up(self) -> None:
        """Gives up the lease, so that another process can take it at once."""
        free = [{"$set": {"until": {"$subtract": ["$$NOW", 1000]}, **self._reached()}}]
        try:
            self.db[LEASES].update_one({"_id": self.name, "holder": self.holder}, free)
        except PyMongoError as error:
            log.warning("the lease could not be given up", error=type(error).__name__)

"""Seals texts again with the newest key, so that the older keys can be removed."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from shared.cause import own_initiative
from shared.errors import Conflict, NotFound
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.periodic import PeriodicTask
from shared.secrets import Secrets
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

RESEALING = "resealing"
# Documents in a portion: few enough that the process can end soon.
PORTION = 100
# Processes that have not restarted yet still seal with the old key. The second walk finds their texts.
SECOND_WALK_AFTER = timedelta(hours=1)

SealAnew = Callable[[UnitOfWork, Document, str], Any]


def resealing_task(
    db: Database, secrets: Secrets, *, collection: str, field: str, seal_anew: SealAnew, every: float = 60.0
) -> PeriodicTask:
    """A task that walks `collection` twice whenever the newest sealing key has changed since the last walk.

    `seal_anew(uow, document, sealed)` saves a document whose `field` was sealed with an older key, with its message. A
    document that no key opens is named in the log and left alone. Several workers may walk at the same time.
    """
    walk = _Walk(db, secrets, collection, field, seal_anew)
    return PeriodicTask(name=f"resealing of {collection}", run=walk.step, every=every)


class _Walk:
    def __init__(self, db: Database, secrets: Secrets, collection: str, field: str, seal_anew: SealAnew) -> None:
        self.db = db
        self.secrets = secrets
        self.collection = collection
        self.field = field
        self.seal_anew = seal_anew

    def step(self) -> bool:
        """Takes the next portion. Returns whether there may be more."""
        key = self.secrets.sealing_key_id
        walk = self.db[RESEALING].find_one({"_id": self.collection})
        if walk is None or walk["key"] != key:
            walk = {"key": key, "after": "", "walks": 0, "not_before": utc_now()}
            self.db[RESEALING].update_one({"_id": self.collection}, {"$set": walk}, upsert=True)
        if walk["walks"] == 2 or walk["not_before"] > utc_now():
            return False
        wanted = {"_id": {"$gt": walk["after"]}, self.field: {"$type": "string"}}
        found = list(self.db[self.collection].find(wanted, {self.field: 1}).sort("_id", 1).limit(PORTION))
        for document in found:
            self._reseal(document)
        if len(found) == PORTION:
            return self._move(key, {"after": found[-1]["_id"]})
        walks = walk["walks"] + 1
        log.info("sealed with the newest key", collection=self.collection, walk=walks)
        self._move(key, {"after": "", "walks": walks, "not_before": utc_now() + SECOND_WALK_AFTER})
        return False

    def _move(self, key: str, walk: Mapping[str, Any]) -> bool:
        """Moves the walk's position, unless another worker walks with another newest key."""
        self.db[RESEALING].update_one({"_id": self.collection, "key": key}, {"$set": walk})
        return True

    def _reseal(self, document: Mapping[str, Any]) -> None:
        try:
            if self.secrets.reseal(document[self.field]) != document[self.field]:
                self.db.transact(lambda uow: self._save(uow, document["_id"]), cause=own_initiative("resealing"))
        except ValueError:
            log.warning("no key opens this", collection=self.collection, id=document["_id"])
        except (NotFound, Conflict) as error:
            log.warning("not sealed anew", collection=self.collection, id=document["_id"], error=type(error).__name__)

    def _save(self, uow: UnitOfWork, identifier: str) -> None:
        """Reads the document again in the transaction: its sealed text may have changed, or be gone."""
        document = uow.find_one(self.collection, {"_id": identifier})
        before = document and document.get(self.field)
        if document and before and (anew := self.secrets.reseal(before)) != before:
            self.seal_anew(uow, document, anew)

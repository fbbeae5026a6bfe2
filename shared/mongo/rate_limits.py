"""Token buckets that all processes of a service share. The database's clock fills them."""

import hashlib
from collections.abc import Sequence

import pymongo
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError
from pymongo.write_concern import WriteConcern

from shared.mongo.aggregates import Document

RATE_LIMITS = "rate_limits"
RATE_LIMITS_INDEXES: Sequence[IndexModel] = [IndexModel("expires_at", name="ttl", expireAfterSeconds=0)]
# A limit must never cost more than the request that it protects.
LIMIT_SECONDS = 1.0


def take_shared(
    collection: pymongo.collection.Collection[Document], key: str, *, burst: int, per_second: float
) -> float:
    """Takes a token from the bucket `key`. Returns 0, or the seconds to wait when it is empty. Raises PyMongoError.

    The row holds a hash of the key and goes once the bucket is full again.
    """
    identity = hashlib.sha256(key.encode()).hexdigest()
    passed = {"$divide": [{"$subtract": ["$$NOW", {"$ifNull": ["$at", "$$NOW"]}]}, 1000]}
    filled = {"$min": [burst, {"$add": [{"$ifNull": ["$left", burst]}, {"$multiply": [passed, per_second]}]}]}
    full_at = {"$add": ["$$NOW", round(burst / per_second * 1000)]}
    steps: list[Document] = [
        {"$set": {"left": filled, "at": "$$NOW", "expires_at": full_at}},
        {"$set": {"taken": {"$gte": ["$left", 1]}}},
        {"$set": {"left": {"$cond": ["$taken", {"$subtract": ["$left", 1]}, "$left"]}}},
    ]
    # w=1: a failover that loses a count lets a caller call a little more. That is no reason to wait for a majority.
    quick = collection.with_options(write_concern=WriteConcern(w=1))
    with pymongo.timeout(LIMIT_SECONDS):
        try:
            row = _update(quick, identity, steps)
        except DuplicateKeyError:  # of two first calls at once the other made the row: it is there now
            row = _update(quick, identity, steps)
    return 0 if row["taken"] else (1 - row["left"]) / per_second


def _update(collection: pymongo.collection.Collection[Document], identity: str, steps: Sequence[Document]) -> Document:
    row = collection.find_one_and_update(
        {"_id": identity}, list(steps), upsert=True, return_document=ReturnDocument.AFTER
    )
    return row or {"taken": True}

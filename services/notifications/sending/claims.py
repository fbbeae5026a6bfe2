"""Who sends what: a delivery is taken up by one sender at a time, for as long as a claim lasts.

A claim moves `next_at` on by a minute, so that a sender that died loses it by itself. What it left
behind tells the next one what it knows: `accepted_at` (sent), `handed_over_at` alone (nobody knows),
or neither (not sent).
"""

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pymongo import UpdateOne
from pymongo.write_concern import WriteConcern

from services.notifications.deliveries.store import DELIVERIES
from services.notifications.sending.domain import BATCH, CLAIM
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database


def claim(db: Database, token: str, *, limit: int = BATCH) -> list[Document]:
    """Takes up queued deliveries that are due, oldest first. Several at once never get the same one."""
    now = utc_now()
    due = {"state": "queued", "next_at": {"$lte": now}}
    order = [("next_at", 1), ("_id", 1)]
    found = [row["_id"] for row in db[DELIVERIES.collection].find(due, {"_id": 1}).sort(order).limit(4 * limit)]
    if not found:
        return []
    # Senders that look at the same moment should not all reach for the same ones.
    first = random.randrange(0, len(found), limit) if len(found) > limit else 0  # noqa: S311
    ids = found[first : first + limit]
    mine = {"claim": token, "next_at": now + CLAIM}
    db[DELIVERIES.collection].update_many({"_id": {"$in": ids}, **due}, {"$set": mine})
    return list(db[DELIVERIES.collection].find({"_id": {"$in": ids}, "claim": token}).sort("_id", 1))


def behind_another(db: Database, claimed: Sequence[Document]) -> set[str]:
    """Those whose registration has an earlier delivery that is not sent yet: mail arrives in order."""
    ours = {document["_id"] for document in claimed}
    about = [document for document in claimed if document["registration_id"]]
    if not about:
        return set()
    earlier = db[DELIVERIES.collection].find(
        {"registration_id": {"$in": [one["registration_id"] for one in about]}, "state": "queued"},
        {"registration_id": 1},
    )
    first: dict[str, str] = {}
    for row in earlier:
        if row["_id"] not in ours:
            first[row["registration_id"]] = min(row["_id"], first.get(row["registration_id"], row["_id"]))
    return {one["_id"] for one in about if first.get(one["registration_id"], one["_id"]) < one["_id"]}


def hand_over(
    db: Database, identifier: str, token: str, fields: Mapping[str, Any], *, accepted: str | None = None
) -> bool:
    """Notes that the SMTP dialogue begins now. False: the claim is lost, or the delivery cancelled.

    The same round trip notes that the server has taken the mail `accepted` before this one.
    """
    now = utc_now()
    begin = UpdateOne(
        {"_id": identifier, "claim": token, "state": "queued"},
        {"$set": {**fields, "handed_over_at": now, "next_at": now + CLAIM}, "$inc": {"attempts": 1}},
    )
    # One member's word is enough: the notes only narrow down what is not known after a crash.
    deliveries = db[DELIVERIES.collection].with_options(write_concern=WriteConcern(w=1))
    if accepted is None:
        return deliveries.bulk_write([begin]).matched_count == 1
    taken = UpdateOne({"_id": accepted}, {"$set": {"accepted_at": now}})
    return deliveries.bulk_write([taken, begin]).matched_count == 2


def postpone(db: Database, identifier: str, token: str, wait: timedelta, *, waits: int = 0) -> None:
    """Back into the queue for a while. What was known not to be sent is not in doubt any more."""
    db[DELIVERIES.collection].update_one(
        {"_id": identifier, "claim": token},
        {"$set": {"claim": None, "handed_over_at": None, "next_at": utc_now() + wait}, "$inc": {"waits": waits}},
    )


def release(db: Database, token: str, identifiers: Sequence[str]) -> None:
    """Gives up the claim on deliveries that were not touched: another sender may have them at once."""
    if identifiers:
        db[DELIVERIES.collection].update_many(
            {"_id": {"$in": list(identifiers)}, "claim": token},
            {"$set": {"claim": None, "next_at": utc_now()}},
        )

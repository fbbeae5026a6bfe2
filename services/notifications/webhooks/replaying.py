"""Queues the calls of a replay, in portions, so that no transaction grows with their number."""

from typing import Any

from services.notifications.webhooks.domain import wants
from services.notifications.webhooks.messages import queue_call
from services.notifications.webhooks.store import CALLS, LINES, MESSAGES
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database

PORTION = 500


def queue_replay(db: Database, webhook: Document, replay: Document | None) -> None:
    """Queues a call for each kept message since the given moment. Continues where a worker that died has stopped."""
    after = replay["after"] if replay else None
    while replay:
        since: Any = {"at": {"$gte": replay["since"], "$lte": replay["until"]}}
        beyond = (
            {"$or": [{"at": {"$gt": after["at"]}}, {"at": after["at"], "_id": {"$gt": after["id"]}}]} if after else {}
        )
        found = list(db[MESSAGES].find({**since, **beyond}, {"value": 0}).sort([("at", 1), ("_id", 1)]).limit(PORTION))
        calls = [
            queue_call(webhook["_id"], message, now=utc_now(), replay=replay["id"])
            for message in found
            if wants(webhook["types"], message["type"])
        ]
        if calls:
            db[CALLS].bulk_write(calls)
        if len(found) < PORTION:
            db[LINES].update_one({"_id": webhook["_id"]}, {"$set": {"replay": None}})
            return
        after = {"at": found[-1]["at"], "id": found[-1]["_id"]}
        db[LINES].update_one({"_id": webhook["_id"]}, {"$set": {"replay.after": after}})

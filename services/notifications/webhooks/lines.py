"""Which worker calls which webhook. One worker at a time has a claim on a webhook, for as long as the claim lasts."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from services.notifications.webhooks.retries import wait_for_the_endpoint
from services.notifications.webhooks.store import CALLS, LINES, WEBHOOKS
from shared.mongo.aggregates import Document
from shared.mongo.database import Database

# The claim of a worker that died ends after this time. Another worker then repeats its calls, with the same webhook-id.
CLAIM = timedelta(seconds=60)
_CLAIM_MS = round(CLAIM.total_seconds() * 1000)
_FREE = {"$lte": [{"$ifNull": ["$claimed_until", "$$NOW"]}, "$$NOW"]}
_RESTED = {"$lte": [{"$ifNull": ["$next_at", "$$NOW"]}, "$$NOW"]}


def with_calls_due(db: Database, now: datetime) -> list[str]:
    """The active webhooks that have calls due, and that no worker calls now."""
    active = {row["_id"] for row in db[WEBHOOKS.collection].find({"state": "active"}, {"_id": 1})}
    if not active:
        return []
    busy = {"$or": [{"claimed_until": {"$gt": now}}, {"next_at": {"$gt": now}}]}
    resting = {row["_id"] for row in db[LINES].find({"_id": {"$in": list(active)}, **busy}, {"_id": 1})}
    free = sorted(active - resting)
    due = {"webhook_id": {"$in": free}, "state": "waiting", "next_at": {"$lte": now}}
    replays = db[LINES].find({"_id": {"$in": free}, "replay": {"$type": "object"}}, {"_id": 1})
    found = db[CALLS].distinct("webhook_id", due) if free else []
    return sorted({*found, *(row["_id"] for row in replays)})


def claim(db: Database, webhook_id: str, token: str) -> Document | None:
    """Claims the webhook's line. None when another worker has it, or when it rests. MongoDB's clock decides."""
    until = {"$add": ["$$NOW", _CLAIM_MS]}
    may = {"$and": [_FREE, _RESTED]}
    change = {
        "claim": {"$cond": [may, token, "$claim"]},
        "claimed_until": {"$cond": [may, until, "$claimed_until"]},
    }
    try:
        line = db[LINES].find_one_and_update(
            {"_id": webhook_id}, [{"$set": change}], upsert=True, return_document=ReturnDocument.AFTER
        )
    except DuplicateKeyError:  # another worker has just made the line
        return None
    return line if line and line.get("claim") == token else None


def renew(db: Database, webhook_id: str, token: str) -> bool:
    """Renews the claim for another minute. False when another worker has the line now."""
    mine = {"_id": webhook_id, "claim": token}
    renewed = [{"$set": {"claimed_until": {"$add": ["$$NOW", _CLAIM_MS]}}}]
    return db[LINES].update_one(mine, renewed).matched_count == 1


def release(db: Database, webhook_id: str, token: str, fields: Mapping[str, Any]) -> None:
    """Ends the claim, so that another worker can call the webhook at once."""
    db[LINES].update_one(
        {"_id": webhook_id, "claim": token}, {"$set": {"claim": None, "claimed_until": None, **fields}}
    )


def after_a_success() -> Document:
    return {"failures": 0, "failing_since": None}


def after_failures(line: Document, now: datetime, *, asked_to_wait: timedelta | None) -> Document:
    """The line after a round in which its endpoint took no call: it rests, longer after each such round, or for as long
    as the endpoint asks.
    """
    failures = int(line.get("failures") or 0) + 1
    rest = wait_for_the_endpoint(failures)
    return {
        "failures": failures,
        "failing_since": line.get("failing_since") or now,
        "next_at": now + (max(rest, asked_to_wait) if asked_to_wait else rest),
    }

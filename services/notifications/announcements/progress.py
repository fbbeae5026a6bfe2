"""How far the sending of an announcement is."""

from datetime import datetime, timedelta
from typing import Any

from services.notifications.announcements.store import PROGRESS
from services.notifications.deliveries.store import DELIVERIES
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database

UNDER_WAY = ("scheduled", "queued")


def progress_of(db: Database, announcement: Document) -> Document:
    """Deliveries by state, unsent deliveries by reason, and an estimate of the end from the pace so far."""
    row = db[PROGRESS].find_one({"_id": announcement["_id"]}) or {"looked_at": 0, "candidates": None}
    by_state: dict[str, int] = {}
    by_reason: dict[str, int] = {}
    for group in _counts(db, announcement["_id"]):
        state, error = group["_id"]["state"], group["_id"].get("error")
        by_state[state] = by_state.get(state, 0) + group["count"]
        if error:
            by_reason[error] = by_reason.get(error, 0) + group["count"]
    return {
        "state": announcement["state"],
        "candidates": row["candidates"],
        "looked_at": row["looked_at"],
        "deliveries": by_state,
        "not_sent": by_reason,
        "started_at": announcement["started_at"],
        "finished_at": announcement["finished_at"],
        "ends_at": _ends_at(announcement, row, by_state, utc_now()),
    }


def _counts(db: Database, announcement_id: str) -> list[Any]:
    # Test mails are no part of the announcement.
    mine = {"announcement_id": announcement_id, "because.rule": "announcement"}
    count = {"$group": {"_id": {"state": "$state", "error": "$error"}, "count": {"$sum": 1}}}
    return list(db[DELIVERIES.collection].aggregate([{"$match": mine}, count]))


def _ends_at(announcement: Document, row: Document, by_state: dict[str, int], now: datetime) -> datetime | None:
    if announcement["state"] != "sending" or not row["candidates"]:
        return None
    waiting = sum(by_state.get(state, 0) for state in UNDER_WAY)
    done = max(0, row["looked_at"] - waiting)
    if not done:
        return None
    elapsed: timedelta = now - announcement["started_at"]
    ends: datetime = now + elapsed * (max(0, row["candidates"] - done) / done)
    return ends

"""The metric of the oldest mail that waits, for alerts."""

from services.notifications.deliveries.domain import LANES
from services.notifications.deliveries.store import DELIVERIES
from services.notifications.sending import metrics
from shared.ids import utc_now
from shared.mongo.database import Database


def note_the_oldest(db: Database) -> bool:
    """Sets the metric to the age, in seconds, of the oldest delivery that is due and not claimed."""
    now = utc_now()
    due = {"state": "queued", "lane": {"$in": [*LANES, None]}, "next_at": {"$lte": now}, "claim": None}
    oldest = db[DELIVERIES.collection].find_one(due, {"due_at": 1}, sort=[("next_at", 1)])
    metrics.OLDEST_DUE.set(max(0.0, (now - oldest["due_at"]).total_seconds()) if oldest else 0.0)
    return False

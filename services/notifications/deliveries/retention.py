"""The texts of mails are deleted after a while. The deliveries, with recipient and reason, stay."""

from services.notifications.deliveries.store import DELIVERIES
from shared.ids import utc_now
from shared.mongo.database import Database

PORTION = 1000
NO_TEXT = {"$unset": {"subject": "", "text": "", "text_expires_at": ""}}


def forget_old_texts(db: Database) -> bool:
    """Deletes subject and text of the deliveries whose `text_expires_at` has passed. Returns whether there are more."""
    query = {"text_expires_at": {"$lte": utc_now()}}
    found = [row["_id"] for row in db[DELIVERIES.collection].find(query, {"_id": 1}).limit(PORTION)]
    if found:
        db[DELIVERIES.collection].update_many({"_id": {"$in": found}, **query}, NO_TEXT)
    return len(found) == PORTION

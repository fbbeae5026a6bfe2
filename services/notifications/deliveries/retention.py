"""Texts of mails go after a while; that there was a mail, to whom and why, stays."""

from services.notifications.deliveries.store import DELIVERIES
from shared.ids import utc_now
from shared.mongo.database import Database

PORTION = 1000
NO_TEXT = {"$unset": {"subject": "", "text": "", "text_expires_at": ""}}


def forget_old_texts(db: Database) -> bool:
    """Takes subject and text from the deliveries whose `text_expires_at` is over; tells whether there are more."""
    query = {"text_expires_at": {"$lte": utc_now()}}
    found = [row["_id"] for row in db[DELIVERIES.collection].find(query, {"_id": 1}).limit(PORTION)]
    if found:
        db[DELIVERIES.collection].update_many({"_id": {"$in": found}, **query}, NO_TEXT)
    return len(found) == PORTION

"""The recipients of an announcement, decided beforehand by the code that decides at its sending."""

from services.notifications.announcements.segments import next_portion
from services.notifications.announcements.sending import announced
from services.notifications.deliveries.store import new_document
from services.notifications.sending.allow_list import AllowList
from services.notifications.sending.decisions import ToBeSent, decide
from services.notifications.sending.domain import Missing
from shared.ids import new_id, utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page
from shared.secrets import Secrets


def recipients_of(
    db: Database, secrets: Secrets, allow_list: AllowList, announcement: Document, *, limit: int, cursor: str | None
) -> Page:
    """A page of the segment's people, each with a language, or with the reason for getting nothing."""
    after, found = cursor or "", []
    while True:
        portion = next_portion(db.find, announcement["segment"], after=after, size=limit)
        found += portion.people
        if portion.after is None or found:
            break
        after = portion.after
    rows = [
        {
            "_id": new_id(),
            **new_document(announced(announcement, person), now=utc_now(), correlation_id=""),
        }
        for person in found
    ]
    decided = decide(db, secrets, rows, allow_list)
    items = []
    for row in rows:
        decision = decided(row)
        item = {"contact_id": row["contact_id"], "registration_id": row["registration_id"]}
        if isinstance(decision, ToBeSent):
            items.append({**item, "language": decision.person.language, "excluded": None})
        else:
            why = f"unknown_{decision.what}" if isinstance(decision, Missing) else decision.error
            items.append({**item, "language": None, "excluded": why})
    return Page(items=items, next_cursor=portion.after)

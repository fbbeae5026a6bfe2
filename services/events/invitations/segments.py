"""The contacts whom a saved segment of enrolment means, from the service's own projections."""

from services.events.invitations.schemas import MOST_AT_ONCE
from services.events.invitations.store import INVITATIONS
from services.events.projections import CONTACTS, SEGMENTS
from shared.errors import NotArrivedYet
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.segments import members_query


def not_invited_yet(db: Database, name: str, event_id: str) -> tuple[list[Document], int]:
    """The segment's next members without an invitation to the event, and how many are left after them.

    Raises NotArrivedYet for a name that no segment has.
    """
    segment = db[SEGMENTS.collection].find_one({"name": name})
    if segment is None:
        raise NotArrivedYet("segment", "segment")
    invited = db[INVITATIONS.collection].distinct("contact_id", {"event_id": event_id})
    query = {"$and": [members_query(db.find, segment), {"_id": {"$nin": invited}}]}
    found = list(db[CONTACTS.collection].find(query).sort("_id", 1).limit(MOST_AT_ONCE))
    left = db[CONTACTS.collection].count_documents(query) - len(found) if len(found) == MOST_AT_ONCE else 0
    return found, left

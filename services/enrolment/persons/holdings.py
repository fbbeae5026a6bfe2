"""What is held on a person, from enrolment's own collections and its projections of the other services."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.enrolment.contacts.store import CONTACTS
from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.notes.store import NOTES
from services.enrolment.projections import DELIVERIES, REGISTRATIONS
from services.enrolment.tasks.store import TASKS
from shared.instants import instant_text
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL

UNDER_WAY = ["inquiry", "negotiating", "enrolled", "active"]


def everything_about(db: Database, contact: Mapping[str, Any]) -> Document:
    """All that names the contact, or one that was merged into it."""
    people = [contact, *db[CONTACTS.collection].find({"merged_into": contact["_id"]})]
    ids = [person["_id"] for person in people]
    about = {"about.kind": "contact", "about.id": {"$in": ids}}
    theirs = {"contact_id": {"$in": ids}}
    named = {"$or": [{"contact_ids": {"$in": ids}}, {"responsible_contact_id": {"$in": ids}}]}
    return {
        "contacts": people,
        "history": list(db[JOURNAL].find({"of": {"$in": ids}, "kind": CONTACTS.name}).sort("_id", 1)),
        "enrolments": list(db[ENROLMENTS.collection].find(named)),
        "notes": list(db[NOTES.collection].find(about)),
        "tasks": list(db[TASKS.collection].find(about)),
        "registrations": list(db[REGISTRATIONS.collection].find(theirs)),
        "deliveries": list(db[DELIVERIES.collection].find(theirs)),
    }


def active_since(db: Database, contact_ids: Sequence[str], since: datetime) -> set[str]:
    """Those of the contacts about whom something happened since, or whom an open enrolment names."""
    wanted, moment = {"$in": list(contact_ids)}, instant_text(since)
    open_or_changed = {"$or": [{"updated_at": {"$gte": since}}, {"state": {"$in": UNDER_WAY}}]}
    asked: list[tuple[str, str, Document]] = [
        (REGISTRATIONS.collection, "contact_id", {"updated_at": {"$gte": moment}}),
        (DELIVERIES.collection, "contact_id", {"updated_at": {"$gte": moment}}),
        (NOTES.collection, "about.id", {"updated_at": {"$gte": since}}),
        (TASKS.collection, "about.id", {"updated_at": {"$gte": since}}),
        (ENROLMENTS.collection, "contact_ids", open_or_changed),
    ]
    found: set[str] = set()
    for collection, field, condition in asked:
        found |= set(db[collection].distinct(field, {field: wanted, **condition}))
    return found & set(contact_ids)

"""The resources of a batch of deliveries, from the projections: one query for each kind, not for each delivery."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from services.notifications.announcements.store import ANNOUNCEMENTS
from services.notifications.preferences.store import PREFERENCES
from services.notifications.projections import (
    CONTACTS,
    ENROLMENTS,
    EVENTS,
    INVITATIONS,
    ORGANISATIONS,
    REGISTRATIONS,
    SEASONS,
)
from services.notifications.staff.store import STAFF
from services.notifications.suppressions.store import SUPPRESSIONS
from shared.email_address import normalise_email
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database

ById = dict[str, Document]


@dataclass(frozen=True, kw_only=True)
class References:
    """Documents by id. A missing document has not arrived yet; an erased document has `erased`.

    `coordinators` are members of staff by the `sub` of their token: those of the events and enrolments.
    """

    contacts: ById
    organisations: ById
    seasons: ById
    enrolments: ById
    events: ById
    registrations: ById
    invitations: ById
    preferences: ById
    announcements: ById
    events_with_check_in: frozenset[str]
    positions: dict[str, int]
    staff: ById
    coordinators: ById


def load_references(db: Database, deliveries: Sequence[Document]) -> References:
    """All resources that these deliveries refer to, as far as the projections have them."""
    find = partial(_find, db)
    enrolments = find(ENROLMENTS.collection, (delivery["enrolment_id"] for delivery in deliveries))
    registrations = find(REGISTRATIONS.collection, (delivery["registration_id"] for delivery in deliveries))
    events = find(EVENTS.collection, (delivery["event_id"] for delivery in deliveries))
    contacts = _contacts(db, [delivery["contact_id"] for delivery in deliveries if delivery["contact_id"]])
    return References(
        contacts=contacts,
        organisations=find(
            ORGANISATIONS.collection,
            (document.get("organisation_id") for group in (contacts, enrolments) for document in group.values()),
        ),
        seasons=find(SEASONS.collection, (enrolment.get("season_id") for enrolment in enrolments.values())),
        enrolments=enrolments,
        events=events,
        registrations=registrations,
        invitations=find(INVITATIONS.collection, (row["personalisation"].get("invitation_id") for row in deliveries)),
        preferences=find(PREFERENCES.collection, contacts),
        announcements=find(ANNOUNCEMENTS.collection, (row["announcement_id"] for row in deliveries)),
        staff=find(STAFF.collection, (row["personalisation"].get("staff_id") for row in deliveries)),
        coordinators=_coordinators(db, [*events.values(), *enrolments.values()]),
        positions=_positions(db, deliveries, registrations),
        events_with_check_in=_events_with_check_in(db, deliveries),
    )


def _find(db: Database, collection: str, identifiers: Iterable[str | None]) -> ById:
    ids = sorted({identifier for identifier in identifiers if identifier})
    return {row["_id"]: row for row in db[collection].find({"_id": {"$in": ids}})} if ids else {}


def _coordinators(db: Database, coordinated: Sequence[Document]) -> ById:
    subs = {document["coordinator"] for document in coordinated if document.get("coordinator")}
    return {row["sub"]: row for row in db[STAFF.collection].find({"sub": {"$in": sorted(subs)}})} if subs else {}


def suppressed(db: Database, addresses: Iterable[str]) -> set[str]:
    """The suppressed ones of these addresses, as `normalise_email` writes them."""
    wanted = sorted({normalise_email(address) for address in addresses})
    live = {"email": {"$in": wanted}, "$or": [{"expires_at": None}, {"expires_at": {"$gt": utc_now()}}]}
    rows = db[SUPPRESSIONS.collection].find(live, {"email": 1}) if wanted else ()
    return {row["email"] for row in rows}


def _contacts(db: Database, identifiers: Sequence[str]) -> ById:
    """Contacts by these ids. The id of a merged contact leads to the contact it was merged into."""
    found = {row["_id"]: row for row in db[CONTACTS.collection].find({"_id": {"$in": list(set(identifiers))}})}
    for _ in range(5):
        into = {contact["merged_into"] for contact in found.values() if contact.get("merged_into")}
        if not into:
            break
        others = {row["_id"]: row for row in db[CONTACTS.collection].find({"_id": {"$in": list(into)}})}
        if not others:
            break
        found = {
            identifier: others.get(contact["merged_into"], {**contact, "merged_into": None})
            if contact.get("merged_into")
            else contact
            for identifier, contact in found.items()
        }
    return found


def _positions(db: Database, deliveries: Sequence[Document], registrations: ById) -> dict[str, int]:
    """The present positions in line, from 1, of the recipients of changes. Registrations' ids grow with time."""
    asked = {row["registration_id"] for row in deliveries if row["template"] == "event_changed"}
    waiting = [row for row in registrations.values() if row["_id"] in asked and row.get("state") == "waitlisted"]
    return {
        row["_id"]: 1
        + db[REGISTRATIONS.collection].count_documents(
            {"event_id": row["event_id"], "state": "waitlisted", "_id": {"$lt": row["_id"]}}
        )
        for row in waiting
    }


def _events_with_check_in(db: Database, deliveries: Sequence[Document]) -> frozenset[str]:
    asked = {delivery["event_id"] for delivery in deliveries if delivery["template"] == "feedback_request"}
    return frozenset(
        event_id
        for event_id in asked
        if db[REGISTRATIONS.collection].find_one({"event_id": event_id, "state": "attended"}, {"_id": 1})
    )

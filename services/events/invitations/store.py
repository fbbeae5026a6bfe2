"""The collection of invitations."""

from datetime import datetime
from typing import Any, TypedDict

from pymongo import IndexModel

from services.events.invitations.domain import LIFECYCLE
from services.events.invitations.schemas import Invitation
from services.events.projections import ORGANISATIONS
from shared.messaging.changes import Change, Transition
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database


class InvitationDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    event_id: str
    contact_id: str
    organisation_id: str | None
    role: str | None
    language: str
    state: str
    reason: str | None
    answered_at: datetime | None
    reminded_at: datetime | None
    registration_id: str | None
    held_key: str | None


INVITATIONS: Aggregate[InvitationDocument] = Aggregate(
    name="invitation",
    collection="invitations",
    source="/uso/events",
    topic="uso.events.invitations.v1",
    message_types={
        "invitation.created": Change,
        "invitation.transitioned": Transition,
        "invitation.reminded": Change,
    },
    schema=Invitation,
    lifecycle=LIFECYCLE,
    indexes=[
        IndexModel([("event_id", 1), ("contact_id", 1)], name="one_a_contact", unique=True),
        IndexModel([("event_id", 1), ("state", 1), ("_id", 1)], name="state"),
        IndexModel([("event_id", 1), ("organisation_id", 1), ("_id", 1)], name="organisation"),
        IndexModel("contact_id", name="contact"),
    ],
    conflict_messages={"one_a_contact": "This contact has been invited to the event already."},
)


def count_answers(db: Database, event_id: str) -> Document:
    """The event's invitations by state, in all and for each organisation, the largest first."""
    rows = db[INVITATIONS.collection].aggregate(
        [
            {"$match": {"event_id": event_id}},
            {"$group": {"_id": {"organisation": "$organisation_id", "state": "$state"}, "count": {"$sum": 1}}},
        ]
    )
    by_organisation: dict[str | None, dict[str, int]] = {}
    in_all: dict[str, int] = {}
    for row in rows:
        organisation, state = row["_id"].get("organisation"), row["_id"]["state"]
        by_organisation.setdefault(organisation, {})[state] = row["count"]
        in_all[state] = in_all.get(state, 0) + row["count"]
    names = _names(db, [organisation for organisation in by_organisation if organisation])
    organisations: list[Document] = [
        {
            "organisation_id": organisation,
            "name": names.get(organisation),
            "asked": sum(states.values()),
            "by_state": states,
        }
        for organisation, states in by_organisation.items()
    ]
    organisations.sort(key=lambda row: (-row["asked"], row["organisation_id"] or ""))
    return {"asked": sum(in_all.values()), "by_state": in_all, "by_organisation": organisations}


def _names(db: Database, organisations: list[str]) -> dict[str | None, Any]:
    found = db[ORGANISATIONS.collection].find({"_id": {"$in": organisations}}, {"name": 1})
    return {row["_id"]: row.get("name") for row in found}

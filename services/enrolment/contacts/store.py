"""The collection of contacts."""

from datetime import datetime
from typing import Any, TypedDict

from pymongo import IndexModel

from services.enrolment.contacts.schemas import Contact, Merge, Unmerge
from shared.email_address import normalise_email
from shared.errors import Conflict
from shared.messaging.changes import Change
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import Database
from shared.mongo.paging import FINNISH
from shared.search import phone_words, search_words


class ContactDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    given_name: str
    family_name: str
    email: str
    email_key: str  # the address as it is compared: two people do not share a mailbox here
    phone: str | None
    title: str | None
    organisation_id: str
    role: str
    language: str
    legal_basis: str | None
    source: str | None
    tags: list[str]
    merged_into: str | None
    positions: list[dict[str, Any]]
    positions_change_on: str | None  # the next day on which another position is held
    search: list[str]


CONTACTS: Aggregate[ContactDocument] = Aggregate(
    name="contact",
    collection="contacts",
    source="/uso/enrolment",
    topic="uso.enrolment.contacts.v1",
    message_types={
        "contact.created": Change,
        "contact.updated": Change,
        "contact.merged": Merge,
        "contact.unmerged": Unmerge,
        "contact.deleted": Change,
    },
    schema=Contact,
    indexes=[
        IndexModel("email_key", name="email", unique=True),
        IndexModel([("organisation_id", 1), ("_id", 1)], name="organisation"),
        IndexModel([("role", 1), ("_id", 1)], name="role"),
        IndexModel([("language", 1), ("_id", 1)], name="language"),
        IndexModel([("tags", 1), ("_id", 1)], name="tags"),
        IndexModel([("legal_basis", 1), ("_id", 1)], name="legal_basis"),
        IndexModel([("search", 1), ("_id", 1)], name="search"),
        IndexModel([("family_name", 1), ("_id", 1)], name="family_name", collation=FINNISH),
        IndexModel([("positions.organisation_id", 1), ("_id", 1)], name="positions"),
        IndexModel([("positions.role", 1), ("_id", 1)], name="positions_role"),
        IndexModel(
            "positions_change_on",
            name="positions_change_on",
            partialFilterExpression={"positions_change_on": {"$type": "string"}},
        ),
        IndexModel("merged_into", name="merged", partialFilterExpression={"merged_into": {"$type": "string"}}),
    ],
    conflict_messages={"email": "Another contact has this e-mail address."},
)


def with_keys(fields: Document) -> Document:
    """The fields, the key of the e-mail address, and the words that `?q=` finds them by."""
    words = search_words(fields["given_name"], fields["family_name"], fields["email"], fields.get("title"))
    key = normalise_email(fields["email"])
    return {**fields, "email_key": key, "search": [*words, *phone_words(fields.get("phone"))]}


def check_not_merged(contact: ContactDocument) -> None:
    """Raises Conflict, which names the contact that is left, for one that was merged."""
    into = contact.get("merged_into")
    if into:
        raise Conflict("This contact was merged into another. Use that one.", existing_id=into)


def named_in(db: Database, season_id: str) -> list[str]:
    """The ids of the contacts whom an enrolment of the season names: a hundred an enrolment at most."""
    rows = db["enrolments"].find({"season_id": season_id}, {"contact_ids": 1})
    return sorted({identifier for row in rows for identifier in row["contact_ids"]})

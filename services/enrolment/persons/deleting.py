"""Deletes a contact that was made by mistake. A person who is to be forgotten is erased instead."""

from datetime import timedelta

from pymongo import DeleteOne, InsertOne, UpdateMany

from services.enrolment.contacts.store import CONTACTS, ContactDocument
from services.enrolment.references import check_unreferred
from shared.mongo.aggregates import Document
from shared.mongo.journal import JOURNAL, journal_row
from shared.mongo.unit_of_work import UnitOfWork

# Long enough to ask who deleted it. After that nothing of the person is kept.
HISTORY_KEPT_FOR = timedelta(days=30)
# Names and an address that fit the message's schema and are nobody's (RFC 2606).
BLANK: Document = {
    "given_name": "-",
    "family_name": "-",
    "email": "deleted@deleted.invalid",
    **dict.fromkeys(("phone", "title", "source")),
    "tags": [],
    "positions": [],
}


def delete_contact(uow: UnitOfWork, contact_id: str) -> None:
    """Raises NotFound, Stale, and Conflict while something refers to the contact."""
    contact = uow.get(CONTACTS, contact_id)
    check_unreferred(uow, "contact", contact_id)
    remove_contact(uow, contact)


def remove_contact(uow: UnitOfWork, contact: ContactDocument) -> None:
    """Deletes the contact: its topic gets a last message without the person, and a tombstone.

    At the message a reader forgets the person, so that the tombstone finds nothing: a tombstone after a person's data
    begins an erasure, which would also look for traces of whoever has the same address by then.
    """
    last: Document = {**contact, **BLANK, "version": contact["version"] + 1, "updated_at": uow.now}
    uow.write(CONTACTS.collection, DeleteOne({"_id": contact["_id"], "version": contact["version"]}))
    theirs = {"of": contact["_id"], "kind": CONTACTS.name}
    uow.write(JOURNAL, UpdateMany(theirs, {"$set": {"expires_at": uow.now + HISTORY_KEPT_FOR}}))
    state = CONTACTS.to_public(last)
    row = journal_row(CONTACTS, last, "contact.deleted", {}, state=state, cause=uow.cause, now=uow.now)
    uow.write(JOURNAL, InsertOne(row))
    uow.publish(topic=str(CONTACTS.topic), key=contact["_id"], value=None, sequence=last["version"] + 1)

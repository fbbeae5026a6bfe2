"""The erasure of a contact: deleted here at once, with a tombstone for all readers."""

from collections.abc import Sequence

from pymongo import DeleteOne, UpdateMany

from ops.erasure.following import begin_erasing, expect_acknowledgement
from ops.erasure.person import ERASED, Person
from services.enrolment.contacts.store import CONTACTS, ContactDocument
from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.erasures.domain import nobody_yet
from services.enrolment.erasures.store import ERASURES, ErasureDocument
from services.enrolment.notes.store import NOTES
from services.enrolment.tasks.store import TASKS
from shared.mongo.journal import JOURNAL
from shared.mongo.unit_of_work import UnitOfWork


def erase_contact(uow: UnitOfWork, contact_id: str, *, reason: str | None = None) -> ErasureDocument:
    """The erasure of the contact and of the contacts merged into it; an earlier erasure if there is one.

    Raises NotFound, Stale.
    """
    earlier = uow.find_all(ERASURES, {"contact_ids": contact_id})
    if earlier:
        return earlier[0]
    contact = uow.get(CONTACTS, contact_id)
    people = [contact, *uow.find_all(CONTACTS, {"merged_into": contact["_id"]})]
    fields = {"contact_ids": [person["_id"] for person in people], "state": "pending", "services": nobody_yet()}
    erasure = uow.insert(ERASURES, fields, "erasure.requested", reason=reason)
    for person in people:
        _delete(uow, person)
    expect_acknowledgement(uow, erasure["_id"], erasure["contact_ids"])
    leave_enrolments(uow, erasure["contact_ids"])
    return erasure


def _delete(uow: UnitOfWork, contact: ContactDocument) -> None:
    """Deletes the contact and the content of its history. Its tombstone erases it on topics and in projections."""
    uow.write(CONTACTS.collection, DeleteOne({"_id": contact["_id"], "version": contact["version"]}))
    uow.write(JOURNAL, UpdateMany({"of": contact["_id"], "kind": CONTACTS.name}, {"$set": {"value": None}}))
    uow.publish(topic=str(CONTACTS.topic), key=contact["_id"], value=None, sequence=contact["version"] + 1)
    begin_erasing(uow, contact["_id"], contact)


def leave_enrolments(uow: UnitOfWork, contact_ids: Sequence[str]) -> None:
    """Takes the contacts out of the enrolments that name them."""
    theirs = {"$in": list(contact_ids)}
    for enrolment in uow.find_all(ENROLMENTS, {"$or": [{"contact_ids": theirs}, {"responsible_contact_id": theirs}]}):
        responsible = enrolment.get("responsible_contact_id")
        changes = {
            "contact_ids": [identifier for identifier in enrolment["contact_ids"] if identifier not in contact_ids],
            "responsible_contact_id": None if responsible in contact_ids else responsible,
        }
        uow.save(ENROLMENTS, enrolment, changes, "enrolment.updated")


def erase_traces(uow: UnitOfWork, person: Person) -> None:
    """Deletes the notes about the person. Cancels the open tasks about them, and removes the titles of all of them."""
    about = {"about.kind": "contact", "about.id": person.contact_id}
    for note in uow.find_all(NOTES, about):
        uow.write(NOTES.collection, DeleteOne({"_id": note["_id"]}))
        uow.write(JOURNAL, UpdateMany({"of": note["_id"], "kind": NOTES.name}, {"$set": {"value": None}}))
    for task in uow.find_all(TASKS, {**about, "title": {"$ne": ERASED}}):
        if task["state"] == "open":
            uow.transition(TASKS, task, "cancelled", changes={"title": ERASED})
        else:
            uow.save(TASKS, task, {"title": ERASED}, "task.updated")
    leave_enrolments(uow, [person.contact_id])

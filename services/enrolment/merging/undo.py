"""Takes a merge back: the contact is one of its own again, and what followed the merge goes back to it."""

from collections.abc import Mapping
from typing import Any

from pymongo import DeleteOne

from services.enrolment.contacts.store import CONTACTS, with_keys
from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.merging.schemas import FIELDS
from services.enrolment.merging.store import MERGES
from services.enrolment.notes.store import NOTES
from services.enrolment.positions.domain import next_change
from services.enrolment.tasks.store import TASKS
from shared.errors import Conflict
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.journal import JOURNAL, state_in
from shared.mongo.unit_of_work import UnitOfWork

# What a merge changes of each kind of document; of contacts the fields that staff give, and their positions.
CHANGED: Mapping[str, tuple[Aggregate[Any], str, tuple[str, ...]]] = {
    ENROLMENTS.name: (ENROLMENTS, "enrolment.updated", ("contact_ids", "responsible_contact_id")),
    NOTES.name: (NOTES, "note.updated", ("about",)),
    TASKS.name: (TASKS, "task.updated", ("about",)),
}


def undo_merge(uow: UnitOfWork, contact_id: str) -> Document:
    """The contact, the other one, and what stays as it is since somebody changed it after the merge.

    Raises NotFound, Stale, and Conflict for a contact that is not merged, whose merge is too long ago, or whose other
    contact was merged further or has the contact's address.
    """
    this = uow.get(CONTACTS, contact_id)
    merge = uow.find_one(MERGES, {"_id": contact_id})
    if not this.get("merged_into"):
        raise Conflict("This contact is not merged into another.")
    if merge is None:
        raise Conflict("This merge is too long ago: what it changed is not kept any more.")
    if this["merged_into"] != merge["into"]:
        raise Conflict("The other contact was merged further: take that merge back first.", existing_id=merge["into"])
    other = uow.get(CONTACTS, merge["into"])
    kept: list[Document] = []
    left = _take_fields_back(uow, other, _entry(merge, other["_id"]), kept)
    uow.flush()  # the address must be free before its contact gets it again
    own = {**with_keys({name: this.get(name) for name in FIELDS}), "merged_into": None}
    again = uow.save(CONTACTS, this, own, "contact.unmerged", change={"from": other["_id"]})
    for entry in merge["documents"]:
        if entry["kind"] == CONTACTS.name:
            if entry["id"] not in (contact_id, other["_id"]):
                _point_back(uow, entry["id"], merge["into"], contact_id)
        else:
            _restore(uow, entry, kept)
    uow.write(MERGES, DeleteOne({"_id": contact_id}))
    return {"contact": again, "other": left, "kept": kept}


def _entry(merge: Document, identifier: str) -> Document | None:
    """What the merge did to the contact; None when it changed nothing of it."""
    return next((entry for entry in merge["documents"] if entry["id"] == identifier), None)


def _take_fields_back(uow: UnitOfWork, contact: Any, entry: Document | None, kept: list[Document]) -> Any:
    """Field by field: what still is as the merge made it becomes what it was."""
    if entry is None or entry["from_version"] == entry["version"]:
        return contact
    before, after = (_state(uow, CONTACTS, entry, entry[name]) for name in ("from_version", "version"))
    changed = [name for name in (*FIELDS, "positions") if before.get(name) != after.get(name)]
    shown = CONTACTS.to_public(contact)
    since = [name for name in changed if shown.get(name) != after.get(name)]
    if since:
        kept.append(_kept(uow, CONTACTS, entry, since))
    back = {name: before.get(name) for name in changed if name not in since}
    fields = with_keys({**{name: contact.get(name) for name in FIELDS}, **back})
    if "positions" in back:
        fields["positions_change_on"] = next_change(back["positions"] or [], uow.now.date().isoformat())
    return uow.save(CONTACTS, contact, fields, "contact.updated", change={"unmerged": entry["id"]})


def _point_back(uow: UnitOfWork, identifier: str, into: str, contact_id: str) -> None:
    """A contact that had been merged into this one before is merged into it again."""
    for earlier in uow.find_all(CONTACTS, {"_id": identifier, "merged_into": into}):
        uow.save(CONTACTS, earlier, {"merged_into": contact_id}, "contact.merged", change={"into": contact_id})


def _restore(uow: UnitOfWork, entry: Document, kept: list[Document]) -> None:
    aggregate, type, names = CHANGED[entry["kind"]]
    found = uow.find_all(aggregate, {"_id": entry["id"]})
    before = _state(uow, aggregate, entry, entry["from_version"])
    if not found or not before:
        return  # it was deleted since, or its past is scrubbed
    after = _state(uow, aggregate, entry, entry["version"])
    if any(found[0].get(name) != after.get(name) for name in names):
        kept.append(_kept(uow, aggregate, entry, names))
        return
    uow.save(aggregate, found[0], {name: before.get(name) for name in names}, type)


def _state(uow: UnitOfWork, aggregate: Aggregate[Any], entry: Document, version: int) -> Document:
    row = uow.find_one(JOURNAL, {"of": entry["id"], "kind": aggregate.name, "version": version})
    return (row and state_in(row)) or {}


def _kept(uow: UnitOfWork, aggregate: Aggregate[Any], entry: Document, names: Any) -> Document:
    last = uow.find_one(JOURNAL, {"of": entry["id"], "kind": aggregate.name}, sort=[("_id", -1)]) or {}
    return {"kind": entry["kind"], "id": entry["id"], "fields_": list(names), "by": last.get("by")}

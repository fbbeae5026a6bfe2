"""One contact into another: fields as staff choose, and all that referred to the one refers to the other."""

from collections.abc import Mapping
from typing import Any

from services.enrolment.contacts.schemas import ContactInput
from services.enrolment.contacts.store import CONTACTS, ContactDocument, check_not_merged, with_keys
from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.merging.domain import check_different, kept_fields, replaced
from services.enrolment.merging.schemas import FIELDS
from services.enrolment.merging.store import MergeRecord
from services.enrolment.notes.store import NOTES
from services.enrolment.positions.domain import MOST_POSITIONS, positions_of
from services.enrolment.projections import REGISTRATIONS
from services.enrolment.tasks.store import TASKS
from shared.errors import Invalid
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.unit_of_work import UnitOfWork
from shared.schemas import flatten_errors

INPUT = ContactInput()
BETTER_PLACE = "the better place stays: attended, confirmed, offered, waitlisted; of two alike the earlier"
ONCE = "the contact is named once"


def merge_contact(uow: UnitOfWork, contact_id: str, *, into: str, keep: Mapping[str, str]) -> Document:
    """The contact that is left (`contact`), and what was settled by rule (`conflicts`).

    Raises NotFound, Stale, Conflict for a contact that was merged before, Invalid for values that cannot be kept.
    """
    check_different(contact_id, into)
    this, other = uow.get(CONTACTS, contact_id), uow.get(CONTACTS, into)
    check_not_merged(this)
    check_not_merged(other)
    fields = kept_fields(CONTACTS.to_public(this), CONTACTS.to_public(other), keep, FIELDS)
    errors = flatten_errors(INPUT.validate({name: value for name, value in fields.items() if value is not None}))
    if errors:
        raise Invalid({f"keep.{name}": sentences for name, sentences in errors.items()})
    conflicts = [*_shared_enrolments(uow, contact_id, into), *_shared_events(uow, contact_id, into)]
    record = MergeRecord(uow, contact_id, into)
    _point_to(uow, record, this, into, takes_address=fields["email"] == this["email"])
    for earlier in uow.find_all(CONTACTS, {"merged_into": contact_id}):
        record.save(CONTACTS, earlier, {"merged_into": into}, "contact.merged", change={"into": into})
    theirs = [{**position, "main": False} for position in positions_of(this)]
    positions = [*positions_of(other), *theirs][:MOST_POSITIONS]
    kept = {**with_keys(fields), "positions": positions}
    left = record.save(CONTACTS, other, kept, "contact.updated", change={"merged": contact_id})
    _follow(uow, record, contact_id, into)
    record.keep()
    return {"contact": left, "conflicts": conflicts}


def _point_to(
    uow: UnitOfWork, record: MergeRecord, contact: ContactDocument, into: str, *, takes_address: bool
) -> None:
    """The contact keeps its fields, for its history, but is not found; its address stays taken unless it is given."""
    gone: dict[str, Any] = {"merged_into": into, "search": []}
    if takes_address:
        gone["email_key"] = f"merged:{contact['_id']}"
    record.save(CONTACTS, contact, gone, "contact.merged", change={"into": into})
    uow.flush()  # the address must be free before the other contact gets it


def _follow(uow: UnitOfWork, record: MergeRecord, this: str, other: str) -> None:
    for enrolment in uow.find_all(ENROLMENTS, {"$or": [{"contact_ids": this}, {"responsible_contact_id": this}]}):
        responsible = enrolment.get("responsible_contact_id")
        changes = {
            "contact_ids": replaced(enrolment["contact_ids"], this, other),
            "responsible_contact_id": other if responsible == this else responsible,
        }
        record.save(ENROLMENTS, enrolment, changes, "enrolment.updated")
    about = {"kind": "contact", "id": other}
    written: list[tuple[Aggregate[Any], str]] = [(NOTES, "note.updated"), (TASKS, "task.updated")]
    for aggregate, type in written:
        for document in uow.find_all(aggregate, {"about.kind": "contact", "about.id": this}):
            record.save(aggregate, document, {"about": about}, type)


def _shared_enrolments(uow: UnitOfWork, this: str, other: str) -> list[Document]:
    both = {"contact_ids": {"$all": [this, other]}}
    rows = uow.find(ENROLMENTS.collection, both, projection={"_id": 1})
    return [{"kind": "enrolment", "id": row["_id"], "rule": ONCE} for row in rows]


def _shared_events(uow: UnitOfWork, this: str, other: str) -> list[Document]:
    """The events that both are registered for, as far as is known here; the events service settles them."""
    rows = uow.find(
        REGISTRATIONS.collection, {"contact_id": {"$in": [this, other]}, "state": {"$nin": ["cancelled", "refused"]}}
    )
    mine, theirs = ({row["event_id"] for row in rows if row["contact_id"] == contact} for contact in (this, other))
    return [{"kind": "registration", "id": event, "rule": BETTER_PLACE} for event in sorted(mine & theirs)]

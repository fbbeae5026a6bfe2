"""The commands on contacts."""

from typing import Any

from services.enrolment.contacts.schemas import ContactInput
from services.enrolment.contacts.store import CONTACTS, ContactDocument, check_not_merged, with_keys
from services.enrolment.contacts.warnings import Colleagues
from services.enrolment.positions.domain import next_change
from services.enrolment.positions.moves import positions_after
from services.enrolment.references import refer_to_organisation
from shared.merge_patch import patched
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

INPUT = ContactInput()


def create_contact(uow: UnitOfWork, fields: dict[str, Any]) -> Document:
    """A new contact, with `warnings` about those who may be the same person.

    Raises Invalid without such an organisation, Conflict when the e-mail address is taken.
    """
    refer_to_organisation(uow, fields["organisation_id"])
    warnings = Colleagues(uow, [fields["organisation_id"]]).warnings_about(fields)
    return {**uow.insert(CONTACTS, with_keys(fields), "contact.created"), "warnings": warnings}


def change_contact(uow: UnitOfWork, contact_id: str, patch: dict[str, Any]) -> ContactDocument:
    """Applies a merge patch. Raises NotFound, Stale, Invalid, Conflict for a merged one or a taken address."""
    contact = uow.get(CONTACTS, contact_id)
    check_not_merged(contact)
    fields = patched(CONTACTS.to_public(contact), patch, INPUT)
    if fields["organisation_id"] != contact["organisation_id"]:
        refer_to_organisation(uow, fields["organisation_id"])
    changes = {**with_keys(fields), **positions_after(contact, fields, uow.now)}
    return uow.save(CONTACTS, contact, changes, "contact.updated")


def restore_contact(uow: UnitOfWork, contact: Document, earlier: Document, reason: str) -> None:
    """Gives the contact the fields and positions that it had. Raises Conflict when its address is another's by now."""
    fields = {name: earlier.get(name) for name in INPUT.load_fields}
    positions = earlier.get("positions") or []
    next_day = next_change(positions, uow.now.date().isoformat())
    changes = {**with_keys(fields), "positions": positions, "positions_change_on": next_day}
    uow.save(CONTACTS, contact, changes, "contact.updated", reason=reason)

"""The commands on contacts."""

from typing import Any

from services.enrolment.contacts.schemas import ContactInput
from services.enrolment.contacts.store import CONTACTS, ContactDocument, check_not_merged, with_keys
from services.enrolment.contacts.warnings import Colleagues
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.positions.moves import positions_after
from shared.errors import Invalid
from shared.merge_patch import patched
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

INPUT = ContactInput()


def create_contact(uow: UnitOfWork, fields: dict[str, Any]) -> Document:
    """A new contact, with `warnings` about those who may be the same person.

    Raises Invalid without such an organisation, Conflict when the e-mail address is taken.
    """
    _check_organisation(uow, fields)
    warnings = Colleagues(uow, [fields["organisation_id"]]).warnings_about(fields)
    return {**uow.insert(CONTACTS, with_keys(fields), "contact.created"), "warnings": warnings}


def change_contact(uow: UnitOfWork, contact_id: str, patch: dict[str, Any]) -> ContactDocument:
    """Applies a merge patch. Raises NotFound, Stale, Invalid, Conflict for a merged one or a taken address."""
    contact = uow.get(CONTACTS, contact_id)
    check_not_merged(contact)
    fields = patched(CONTACTS.to_public(contact), patch, INPUT)
    _check_organisation(uow, fields)
    changes = {**with_keys(fields), **positions_after(contact, fields, uow.now)}
    return uow.save(CONTACTS, contact, changes, "contact.updated")


def _check_organisation(uow: UnitOfWork, fields: dict[str, Any]) -> None:
    if uow.find_one(ORGANISATIONS.collection, {"_id": fields["organisation_id"]}, projection={"_id": 1}) is None:
        raise Invalid({"organisation_id": ["There is no such organisation."]})

"""What staff do with contacts."""

from typing import Any

from services.enrolment.contacts.schemas import ContactInput
from services.enrolment.contacts.store import CONTACTS, with_keys
from services.enrolment.organisations.store import ORGANISATIONS
from shared.cause import Cause
from shared.errors import Invalid
from shared.merge_patch import patched
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork

_INPUT = ContactInput()


def create_contact(db: Database, cause: Cause, fields: dict[str, Any], *, once: IdempotencyKey | None) -> Document:
    """A new contact. Raises Invalid without such an organisation, Conflict when the e-mail address is taken."""

    def work(uow: UnitOfWork) -> Document:
        _check_organisation(uow, fields)
        return uow.insert(CONTACTS, with_keys(fields), "contact.created")

    return db.transact(work, cause=cause, once=once)


def change_contact(db: Database, cause: Cause, identifier: str, patch: dict[str, Any], *, if_match: int) -> Document:
    """Applies a merge patch. Raises Stale, Invalid, NotFound, or Conflict when the e-mail address is taken."""

    def work(uow: UnitOfWork) -> Document:
        contact = uow.get(CONTACTS, identifier, if_match=if_match)
        fields = patched(CONTACTS.to_public(contact), patch, _INPUT)
        _check_organisation(uow, fields)
        return uow.save(CONTACTS, contact, with_keys(fields), "contact.updated")

    return db.transact(work, cause=cause)


def _check_organisation(uow: UnitOfWork, fields: dict[str, Any]) -> None:
    if uow.find_one(ORGANISATIONS.collection, {"_id": fields["organisation_id"]}, projection={"_id": 1}) is None:
        raise Invalid({"organisation_id": ["There is no such organisation."]})

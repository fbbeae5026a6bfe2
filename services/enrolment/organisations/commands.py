"""The commands on organisations."""

from typing import Any

from services.enrolment.organisations.schemas import OrganisationInput
from services.enrolment.organisations.store import ORGANISATIONS, OrganisationDocument, with_search_words
from shared.merge_patch import patched
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

INPUT = OrganisationInput()


def create_organisation(uow: UnitOfWork, fields: dict[str, Any]) -> OrganisationDocument:
    """A new organisation. Raises Conflict when its municipality code or business id is taken."""
    return uow.insert(ORGANISATIONS, with_search_words(fields), "organisation.created")


def change_organisation(uow: UnitOfWork, organisation_id: str, patch: dict[str, Any]) -> OrganisationDocument:
    """Applies a merge patch. Raises NotFound, Stale, Invalid, or Conflict when a code is taken."""
    organisation = uow.get(ORGANISATIONS, organisation_id)
    fields = patched(ORGANISATIONS.to_public(organisation), patch, INPUT)
    return uow.save(ORGANISATIONS, organisation, with_search_words(fields), "organisation.updated")


def restore_organisation(uow: UnitOfWork, organisation: Document, earlier: Document, reason: str) -> None:
    """Gives the organisation the fields that it had. Raises Conflict when a code is another's by now."""
    fields = with_search_words({name: earlier.get(name) for name in INPUT.load_fields})
    uow.save(ORGANISATIONS, organisation, fields, "organisation.updated", reason=reason)

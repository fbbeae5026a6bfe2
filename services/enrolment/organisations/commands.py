"""What staff do with organisations."""

from typing import Any

from services.enrolment.organisations.schemas import OrganisationInput
from services.enrolment.organisations.store import ORGANISATIONS, with_search_words
from shared.cause import Cause
from shared.merge_patch import patched
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork

_INPUT = OrganisationInput()


def create_organisation(db: Database, cause: Cause, fields: dict[str, Any], *, once: IdempotencyKey | None) -> Document:
    """A new organisation. Raises Conflict when its municipality code or business id is taken."""
    return db.transact(
        lambda work: work.insert(ORGANISATIONS, with_search_words(fields), "organisation.created"),
        cause=cause,
        once=once,
    )


def change_organisation(
    db: Database, cause: Cause, identifier: str, patch: dict[str, Any], *, if_match: int
) -> Document:
    """Applies a merge patch. Raises Stale, Invalid, NotFound, or Conflict when a code is taken."""

    def work(uow: UnitOfWork) -> Document:
        organisation = uow.get(ORGANISATIONS, identifier, if_match=if_match)
        fields = patched(ORGANISATIONS.to_public(organisation), patch, _INPUT)
        return uow.save(ORGANISATIONS, organisation, with_search_words(fields), "organisation.updated")

    return db.transact(work, cause=cause)

"""Moving half days. Each movement saves the account at its next version, so that none is decided on old figures."""

from services.enrolment.workshop_days.domain import EMPTY, Entry, sums
from services.enrolment.workshop_days.store import WORKSHOP_DAYS
from shared.cause import Cause
from shared.ids import new_id
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork


def open_account(uow: UnitOfWork, enrolment_id: str) -> Document:
    """An account with nothing in it."""
    return uow.insert(WORKSHOP_DAYS, {**EMPTY, "_id": enrolment_id}, "workshop_days.opened")


def adjust(
    db: Database, cause: Cause, enrolment_id: str, *, half_days: int, reason: str, once: IdempotencyKey | None
) -> Document:
    """Grants more, or takes away what is free. Raises NotFound, Overdrawn."""

    def work(uow: UnitOfWork) -> Document:
        return grant(uow, enrolment_id, half_days, reason)

    return db.transact(work, cause=cause, once=once)


def grant(uow: UnitOfWork, enrolment_id: str, half_days: int, reason: str) -> Document:
    """Within another command's transaction. Raises NotFound, Overdrawn."""
    account = uow.get(WORKSHOP_DAYS, enrolment_id)
    return enter(uow, account, Entry(kind="adjusted", half_days=half_days, reason=reason))


def enter(uow: UnitOfWork, account: Document, entry: Entry) -> Document:
    """The account with one more entry in its ledger. Raises Overdrawn."""
    line = {
        "id": new_id(),
        "kind": entry.kind,
        "half_days": entry.half_days,
        "event_id": entry.event_id,
        "event_version": entry.event_version,
        "reason": entry.reason,
        "at": uow.now,
        "by": uow.cause.actor,
    }
    return uow.save(
        WORKSHOP_DAYS,
        account,
        {**sums(account, entry), "ledger": [*account["ledger"], line]},
        f"workshop_days.{entry.kind}",
        change={"half_days": entry.half_days, "event_id": entry.event_id},
        reason=entry.reason,
    )

"""Moving half days. Each movement saves the account at its next version, so that none is decided on old figures."""

from services.enrolment.workshop_days.domain import EMPTY, Entry, sums
from services.enrolment.workshop_days.store import WORKSHOP_DAYS
from shared.cause import Cause
from shared.ids import new_id
from shared.mongo.aggregates import Document
from shared.mongo.database import Database, Once
from shared.mongo.work import Work


def open_account(unit: Work, enrolment_id: str) -> Document:
    """An account with nothing in it."""
    return unit.insert(WORKSHOP_DAYS, {**EMPTY, "_id": enrolment_id}, "workshop_days.opened")


def adjust(
    db: Database, cause: Cause, enrolment_id: str, *, half_days: int, reason: str, once: Once | None
) -> Document:
    """Grants more, or takes away what is free. Raises NotFound, Overdrawn."""

    def work(unit: Work) -> Document:
        return grant(unit, enrolment_id, half_days, reason)

    return db.transact(work, cause=cause, once=once)


def grant(unit: Work, enrolment_id: str, half_days: int, reason: str) -> Document:
    """Within another command's transaction. Raises NotFound, Overdrawn."""
    account = unit.get(WORKSHOP_DAYS, enrolment_id)
    return enter(unit, account, Entry(kind="adjusted", half_days=half_days, reason=reason))


def enter(unit: Work, account: Document, entry: Entry) -> Document:
    """The account with one more entry in its ledger. Raises Overdrawn."""
    line = {
        "id": new_id(),
        "kind": entry.kind,
        "half_days": entry.half_days,
        "event_id": entry.event_id,
        "event_version": entry.event_version,
        "reason": entry.reason,
        "at": unit.now,
        "by": unit.cause.actor,
    }
    return unit.save(
        WORKSHOP_DAYS,
        account,
        {**sums(account, entry), "ledger": [*account["ledger"], line]},
        f"workshop_days.{entry.kind}",
        change={"half_days": entry.half_days, "event_id": entry.event_id},
        reason=entry.reason,
    )

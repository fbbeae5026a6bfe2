"""Movements of half days. Each saves the account's next version, so that none is decided on old figures."""

from pymongo import InsertOne

from services.enrolment.workshop_days.domain import EMPTY, NEWEST, Entry, available, sums
from services.enrolment.workshop_days.store import ENTRIES, WORKSHOP_DAYS, WorkshopDaysDocument
from shared.ids import new_id
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork


def open_account(uow: UnitOfWork, enrolment_id: str) -> WorkshopDaysDocument:
    """A new, empty account."""
    return uow.insert(WORKSHOP_DAYS, {**EMPTY, "_id": enrolment_id}, "workshop_days.opened")


def adjust(uow: UnitOfWork, enrolment_id: str, *, half_days: int, reason: str) -> WorkshopDaysDocument:
    """Grants more half days, or takes away free ones. Raises NotFound, Overdrawn."""
    account = uow.get(WORKSHOP_DAYS, enrolment_id)
    return enter(uow, account, Entry(kind="adjusted", half_days=half_days, reason=reason))


def carry(uow: UnitOfWork, from_id: str, to_id: str, *, half_days: int, number: int) -> None:
    """Moves free half days to the enrolment's account in season `number`, by an entry in each. Raises Overdrawn."""
    _move(uow, from_id, to_id, half_days, f"Carried to season {number}")


def move_free_days(uow: UnitOfWork, from_id: str, to_id: str, *, reason: str) -> int:
    """Moves all free half days from one account to another; how many they were."""
    half_days = available(uow.get(WORKSHOP_DAYS, from_id))
    if half_days:
        _move(uow, from_id, to_id, half_days, reason)
    return half_days


def _move(uow: UnitOfWork, from_id: str, to_id: str, half_days: int, reason: str) -> None:
    for account_id, moved, direction in ((from_id, -half_days, "carried_out"), (to_id, half_days, "carried_in")):
        entry = Entry(kind="adjusted", half_days=moved, reason=reason, carried=direction)
        enter(uow, uow.get(WORKSHOP_DAYS, account_id), entry)


def enter(uow: UnitOfWork, account: WorkshopDaysDocument, entry: Entry) -> WorkshopDaysDocument:
    """The account with another entry in its ledger. The account keeps the newest entries. Raises Overdrawn."""
    line: Document = {
        "id": new_id(),
        "kind": entry.kind,
        "half_days": entry.half_days,
        "event_id": entry.event_id,
        "event_version": entry.event_version,
        "reason": entry.reason,
        "carried": entry.carried,
        "at": uow.now,
        "by": uow.cause.actor,
    }
    after = {**sums(account, entry), "ledger": [*account["ledger"], line][-NEWEST:]}
    uow.write(ENTRIES, InsertOne({**line, "_id": line["id"], "enrolment_id": account["_id"]}))
    return uow.save(
        WORKSHOP_DAYS,
        account,
        after,
        "workshop_days.carried" if entry.carried else f"workshop_days.{entry.kind}",
        change={"half_days": entry.half_days, "event_id": entry.event_id},
        reason=entry.reason,
    )

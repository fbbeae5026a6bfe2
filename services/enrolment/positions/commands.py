"""Positions of contacts: begun, changed, ended one by one or many at once, and followed as days pass."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from services.enrolment.contacts.store import CONTACTS, ContactDocument, check_not_merged
from services.enrolment.positions.domain import MOST_POSITIONS, ended, positions_of, shown_on
from services.enrolment.positions.schemas import PositionInput
from services.enrolment.references import refer_to_organisation
from shared.cause import own_initiative
from shared.errors import Conflict, NotFound
from shared.ids import new_id, utc_now
from shared.merge_patch import patched
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

INPUT = PositionInput()
# A day's changes are few; after an election they are some thousand.
PORTION = 200


def today(uow: UnitOfWork) -> str:
    """The day of this transaction, in UTC."""
    return uow.now.date().isoformat()


def add_position(uow: UnitOfWork, contact_id: str, fields: dict[str, Any]) -> ContactDocument:
    """The contact with one more position. Raises NotFound, Stale, Conflict, Invalid."""
    contact = _contact(uow, contact_id)
    refer_to_organisation(uow, fields["organisation_id"])
    made = {"from": None, "until": None, "title": None, **fields, "id": new_id()}
    positions = positions_of(contact)
    if len(positions) >= MOST_POSITIONS:
        raise Conflict(f"A contact has {MOST_POSITIONS} positions at most.")
    return save_positions(uow, contact, [*_with_one_main(positions, made), made])


def change_position(uow: UnitOfWork, contact_id: str, position_id: str, patch: dict[str, Any]) -> ContactDocument:
    """The contact with a position changed by a merge patch. Raises NotFound, Stale, Conflict, Invalid."""
    contact = _contact(uow, contact_id)
    positions = positions_of(contact)
    before = next((position for position in positions if position["id"] == position_id), None)
    if before is None:
        raise NotFound("position", position_id)
    fields = patched(before, patch, INPUT)
    if fields["organisation_id"] != before["organisation_id"]:
        refer_to_organisation(uow, fields["organisation_id"])
    made = {"from": None, "until": None, "title": None, **fields, "id": position_id}
    others = _with_one_main(positions, made)
    return save_positions(uow, contact, [made if each["id"] == position_id else each for each in others])


def end_positions(
    uow: UnitOfWork,
    *,
    until: str,
    roles: Sequence[str] = (),
    organisation_ids: Sequence[str] = (),
    reason: str | None = None,
    dry_run: bool = False,
) -> Document:
    """Ends on that day the positions of these roles in these organisations; how many, and whose."""
    query: Document = {"merged_into": None}
    query |= {"role": {"$in": list(roles)}} if roles else {}
    query |= {"organisation_id": {"$in": list(organisation_ids)}} if organisation_ids else {}
    held = {f"positions.{name}": condition for name, condition in query.items() if name != "merged_into"}
    found = uow.find_all(CONTACTS, {"$or": [query, {**held, "merged_into": None}]})
    count = 0
    ids: list[str] = []
    for contact in found:
        before = positions_of(contact)
        after = [ended(each, until) if _fits(each, roles, organisation_ids, until) else each for each in before]
        changed = sum(new != old for new, old in zip(after, before, strict=True))
        if changed:
            count, ids = count + changed, [*ids, contact["_id"]]
            if not dry_run:
                save_positions(uow, contact, after, reason=reason)
    return {"ended": count, "contact_ids": ids}


def _fits(position: Document, roles: Sequence[str], organisation_ids: Sequence[str], until: str) -> bool:
    return (
        (not roles or position["role"] in roles)
        and (not organisation_ids or position["organisation_id"] in organisation_ids)
        and (position["from"] or until) <= until
    )


def save_positions(
    uow: UnitOfWork, contact: ContactDocument, positions: Sequence[Document], *, reason: str | None = None
) -> ContactDocument:
    """The contact with these positions, and what it shows today because of them."""
    ordered = sorted(positions, key=lambda position: (position["from"] or "", position["id"]))
    shown = shown_on(contact, ordered, today(uow))
    return uow.save(CONTACTS, contact, shown, "contact.updated", reason=reason)


def follow_days(db: Database) -> bool:
    """Brings contacts up to date whose positions begin or have ended since; tells whether there may be more."""
    day = utc_now().date().isoformat()
    due = {"positions_change_on": {"$lte": day}}
    if db[CONTACTS.collection].find_one(due, {"_id": 1}) is None:
        return False

    return db.transact(partial(_follow_due, due=due), cause=own_initiative("positions"))


def _follow_due(uow: UnitOfWork, *, due: Document) -> bool:
    found = uow.find_all(CONTACTS, due, limit=PORTION)
    for contact in found:
        save_positions(uow, contact, positions_of(contact))
    return len(found) == PORTION


def _with_one_main(positions: Sequence[Document], made: Document) -> list[Document]:
    """The others, of which none is the main one where the new one is."""
    return [{**each, "main": False} if made["main"] and each["id"] != made["id"] else each for each in positions]


def _contact(uow: UnitOfWork, contact_id: str) -> ContactDocument:
    contact = uow.get(CONTACTS, contact_id)
    check_not_merged(contact)
    return contact

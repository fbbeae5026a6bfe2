"""A municipality ends, and another goes on with its open enrolments, its people and their workshop days."""

from collections.abc import Sequence
from typing import Any

from services.enrolment.contacts.store import CONTACTS
from services.enrolment.enrolments.store import ENROLMENTS, EnrolmentDocument
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.positions.commands import save_positions
from services.enrolment.positions.domain import day_after, ended, is_held, positions_of
from services.enrolment.workshop_days.commands import move_free_days
from shared.errors import Conflict, Invalid
from shared.ids import new_id
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

# What goes on; the past stays under the old name.
OPEN = {"inquiry": "declined", "negotiating": "declined", "enrolled": "withdrawn", "active": "withdrawn"}


def succeed(
    uow: UnitOfWork, organisation_id: str, *, successor_ids: Sequence[str], ends_on: str, reason: str | None = None
) -> Document:
    """The organisation that ends, the enrolments that were passed on, and the people.

    Raises NotFound, Stale, Conflict for one that was succeeded before, Invalid.
    """
    organisation = uow.get(ORGANISATIONS, organisation_id)
    if organisation.get("successor_ids"):
        raise Conflict("This organisation has successors already.")
    _check(uow, organisation_id, successor_ids)
    heir = successor_ids[0]
    ends = {"ends_on": ends_on, "successor_ids": list(successor_ids)}
    saved = uow.save(ORGANISATIONS, organisation, ends, "organisation.succeeded", reason=reason)
    return {
        "organisation": saved,
        "enrolments": [_pass_on(uow, each, heir, reason) for each in _open_enrolments(uow, organisation_id)],
        "contact_ids": _move_people(uow, organisation_id, heir, ends_on),
    }


def _check(uow: UnitOfWork, organisation_id: str, successor_ids: Sequence[str]) -> None:
    rows = uow.find(ORGANISATIONS.collection, {"_id": {"$in": list(successor_ids)}}, projection={"_id": 1})
    there = {row["_id"] for row in rows} - {organisation_id}
    errors = {
        f"successor_ids.{position}": ["There is no such other organisation."]
        for position, identifier in enumerate(successor_ids)
        if identifier not in there
    }
    if errors:
        raise Invalid(errors)


def _open_enrolments(uow: UnitOfWork, organisation_id: str) -> list[EnrolmentDocument]:
    return uow.find_all(ENROLMENTS, {"organisation_id": organisation_id, "state": {"$in": list(OPEN)}})


def _pass_on(uow: UnitOfWork, enrolment: EnrolmentDocument, heir: str, reason: str | None) -> Document:
    """To the heir; where it takes part in that season itself, people and free days go into its own enrolment."""
    own = uow.find_all(ENROLMENTS, {"season_id": enrolment["season_id"], "organisation_id": heir})
    if not own:
        uow.save(ENROLMENTS, enrolment, {"organisation_id": heir}, "enrolment.updated", reason=reason)
        return {"enrolment_id": enrolment["_id"], "into": enrolment["_id"], "carried_half_days": 0}
    people = list(dict.fromkeys([*own[0]["contact_ids"], *enrolment["contact_ids"]]))
    uow.save(ENROLMENTS, own[0], {"contact_ids": people}, "enrolment.updated", reason=reason)
    carried = move_free_days(uow, enrolment["_id"], own[0]["_id"], reason="Carried to the successor's enrolment")
    to = OPEN[enrolment["state"]]
    over: dict[str, Any] = {"state": to, "state_reason": reason or "Went on with its successor"}
    over |= {"reason_code": "merger", "state_since": uow.now}
    change = {"from": enrolment["state"], "to": to}
    uow.save(ENROLMENTS, enrolment, over, "enrolment.transitioned", change=change, reason=over["state_reason"])
    return {"enrolment_id": enrolment["_id"], "into": own[0]["_id"], "carried_half_days": carried}


def _move_people(uow: UnitOfWork, organisation_id: str, heir: str, ends_on: str) -> list[str]:
    """Each position that is held on the last day ends on it, and goes on at the heir's the day after."""
    theirs = {"$or": [{"organisation_id": organisation_id}, {"positions.organisation_id": organisation_id}]}
    moved = []
    for contact in uow.find_all(CONTACTS, {**theirs, "merged_into": None}):
        before = positions_of(contact)
        here = [each for each in before if each["organisation_id"] == organisation_id and is_held(each, ends_on)]
        if not here:
            continue
        ids = {each["id"] for each in here}
        after = [{**ended(each, ends_on), "main": False} if each["id"] in ids else each for each in before]
        begin = {"organisation_id": heir, "from": day_after(ends_on)}
        after += [{**each, **begin, "id": new_id()} for each in here]
        save_positions(uow, contact, after)
        moved.append(contact["_id"])
    return moved

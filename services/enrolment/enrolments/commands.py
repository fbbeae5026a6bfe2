"""The commands on enrolments."""

from typing import Any

from services.enrolment.contacts.store import CONTACTS
from services.enrolment.deleting import delete, remove
from services.enrolment.enrolments.domain import check_settled, check_themes
from services.enrolment.enrolments.schemas import EnrolmentInput
from services.enrolment.enrolments.store import ENROLMENTS, EnrolmentDocument
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.references import refer_to
from services.enrolment.seasons.domain import check_takes_enrolments
from services.enrolment.seasons.store import SEASONS
from services.enrolment.workshop_days.commands import adjust, open_account
from services.enrolment.workshop_days.store import WORKSHOP_DAYS
from shared.errors import Conflict, Invalid
from shared.merge_patch import patched
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

INPUT = EnrolmentInput()
NOT_STARTED: dict[str, Any] = {
    "status": "not_started",
    "summary": None,
    "focus_areas": [],
    "document_url": None,
    "delivered_on": None,
}

START: dict[str, Any] = {
    "state": "inquiry",
    "state_reason": None,
    "reason_code": None,
    "previous_enrolment_id": None,
    "situation_analysis": NOT_STARTED,
}


def create_enrolment(uow: UnitOfWork, fields: dict[str, Any]) -> EnrolmentDocument:
    """A new inquiry, with an empty account of workshop days.

    Raises Invalid when a referred resource does not exist, NotTakingEnrolments, and Conflict when the organisation
    has an enrolment in the season already.
    """
    season = _referred_to(uow, fields)
    check_themes(fields["themes"], season)
    check_takes_enrolments(season)
    refer_to(uow, ORGANISATIONS.collection, [fields["organisation_id"]])
    start = {**START, "state_since": uow.now}
    enrolment = uow.insert(ENROLMENTS, {**fields, **start}, "enrolment.created")
    open_account(uow, enrolment["_id"])
    return enrolment


def change_enrolment(uow: UnitOfWork, enrolment_id: str, patch: dict[str, Any]) -> EnrolmentDocument:
    """Applies a merge patch. Raises NotFound, Stale, Invalid."""
    enrolment = uow.get(ENROLMENTS, enrolment_id)
    fields = patched(ENROLMENTS.to_public(enrolment), patch, INPUT)
    check_settled(enrolment, fields)
    check_themes(fields["themes"], _referred_to(uow, fields), had=enrolment["themes"])
    return uow.save(ENROLMENTS, enrolment, fields, "enrolment.updated")


def move_enrolment(
    uow: UnitOfWork, enrolment_id: str, *, to: str, reason: str | None, reason_code: str | None = None
) -> EnrolmentDocument:
    """Takes an enrolment one step on. An enrolment that becomes active is granted the workshop days of its season.

    Raises NotFound, Stale, IllegalTransition, Forbidden, Invalid.
    """
    enrolment = uow.get(ENROLMENTS, enrolment_id)
    # A decline that is taken up again keeps its reason: staff want to know it in the next conversation.
    taken_up = to == "negotiating"
    changes = {
        "state_reason": reason or (enrolment["state_reason"] if taken_up else None),
        "reason_code": reason_code or (enrolment.get("reason_code") if taken_up else None),
        "state_since": uow.now,
    }
    moved = uow.transition(ENROLMENTS, enrolment, to, reason=reason, changes=changes)
    if to == "active":
        _grant_package(uow, moved)
    return moved


def delete_enrolment(uow: UnitOfWork, enrolment_id: str) -> None:
    """Deletes an inquiry and its empty account. Raises NotFound, Stale, Conflict for a later state or a reference."""
    enrolment = uow.get(ENROLMENTS, enrolment_id)
    if enrolment["state"] != "inquiry":
        raise Conflict(f"Only an inquiry is deleted; this enrolment is {enrolment['state']}. Decline or withdraw it.")
    delete(uow, ENROLMENTS, enrolment_id)
    remove(uow, WORKSHOP_DAYS, dict(uow.get(WORKSHOP_DAYS, enrolment_id)))


def put_situation_analysis(uow: UnitOfWork, enrolment_id: str, analysis: dict[str, Any]) -> EnrolmentDocument:
    """The enrolment with this analysis in place of the earlier one. Raises NotFound, Stale."""
    enrolment = uow.get(ENROLMENTS, enrolment_id)
    whole = {"situation_analysis": {**NOT_STARTED, **analysis}}
    return uow.save(ENROLMENTS, enrolment, whole, "situation_analysis.updated")


def _grant_package(uow: UnitOfWork, enrolment: EnrolmentDocument) -> None:
    season = uow.get(SEASONS, enrolment["season_id"])
    half_days = round(season["package"]["workshop_days"] * 2)
    if half_days:
        reason = f"The package of season {season['number']}"
        adjust(uow, enrolment["_id"], half_days=half_days, reason=reason)


def _referred_to(uow: UnitOfWork, fields: dict[str, Any]) -> Document:
    """The season. Raises Invalid with all fields that refer to a missing resource."""
    errors: dict[str, list[str]] = {}
    season = uow.find_one(SEASONS.collection, {"_id": fields["season_id"]})
    if season is None:
        errors["season_id"] = ["There is no such season."]
    if uow.find_one(ORGANISATIONS.collection, {"_id": fields["organisation_id"]}, projection={"_id": 1}) is None:
        errors["organisation_id"] = ["There is no such organisation."]
    responsible = fields.get("responsible_contact_id")
    if responsible and not _is_contact(uow, responsible):
        errors["responsible_contact_id"] = ["There is no such contact."]
    wanted = fields["contact_ids"]
    known = {"_id": {"$in": wanted}, "merged_into": None}
    there = {row["_id"] for row in uow.find(CONTACTS.collection, known, projection={"_id": 1})}
    errors |= {
        f"contact_ids.{position}": ["There is no such contact."]
        for position, identifier in enumerate(wanted)
        if identifier not in there
    }
    if errors or season is None:
        raise Invalid(errors)
    refer_to(uow, CONTACTS.collection, [*wanted, *([responsible] if responsible else [])])
    return season


def _is_contact(uow: UnitOfWork, identifier: str) -> bool:
    known = {"_id": identifier, "merged_into": None}
    return uow.find_one(CONTACTS.collection, known, projection={"_id": 1}) is not None

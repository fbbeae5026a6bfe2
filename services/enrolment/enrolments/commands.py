"""What staff do with enrolments."""

from typing import Any

from services.enrolment.contacts.store import CONTACTS
from services.enrolment.enrolments.domain import check_settled, check_step, check_themes
from services.enrolment.enrolments.schemas import EnrolmentInput
from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.seasons.domain import check_takes_enrolments
from services.enrolment.seasons.store import SEASONS
from services.enrolment.workshop_days.commands import grant, open_account
from shared.cause import Cause
from shared.errors import Invalid
from shared.merge_patch import patched
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork

_INPUT = EnrolmentInput()
NOT_STARTED: dict[str, Any] = {
    "status": "not_started",
    "summary": None,
    "focus_areas": [],
    "document_url": None,
    "delivered_on": None,
}


def create_enrolment(db: Database, cause: Cause, fields: dict[str, Any], *, once: IdempotencyKey | None) -> Document:
    """An inquiry, with an account of workshop days that is still empty.

    Raises Invalid when what it refers to is not there, NotTakingEnrolments, and Conflict when the
    organisation has an enrolment in the season already.
    """

    def work(uow: UnitOfWork) -> Document:
        season = _referred_to(uow, fields)
        check_themes(fields["themes"], season)
        check_takes_enrolments(season)
        start = {"state": "inquiry", "state_reason": None, "situation_analysis": NOT_STARTED}
        enrolment = uow.insert(ENROLMENTS, {**fields, **start}, "enrolment.created")
        open_account(uow, enrolment["_id"])
        return enrolment

    return db.transact(work, cause=cause, once=once)


def change_enrolment(db: Database, cause: Cause, identifier: str, patch: dict[str, Any], *, if_match: int) -> Document:
    """Applies a merge patch. Raises Stale, Invalid, NotFound."""

    def work(uow: UnitOfWork) -> Document:
        enrolment = uow.get(ENROLMENTS, identifier, if_match=if_match)
        fields = patched(ENROLMENTS.to_public(enrolment), patch, _INPUT)
        check_settled(enrolment, fields)
        season = _referred_to(uow, fields)
        check_themes(fields["themes"], season, had=enrolment["themes"])
        return uow.save(ENROLMENTS, enrolment, fields, "enrolment.updated")

    return db.transact(work, cause=cause)


def move_enrolment(
    db: Database,
    cause: Cause,
    identifier: str,
    *,
    to: str,
    reason: str | None,
    if_match: int | None,
    once: IdempotencyKey | None,
) -> Document:
    """Takes the enrolment a step on. One that becomes active is granted the workshop days of its season.

    Raises IllegalStep, Forbidden, Invalid, Stale, NotFound.
    """

    def work(uow: UnitOfWork) -> Document:
        enrolment = uow.get(ENROLMENTS, identifier, if_match=if_match)
        check_step(enrolment["state"], to, reason=reason, roles=cause.roles)
        if to == "active":
            _grant_package(uow, enrolment)
        change = {"from": enrolment["state"], "to": to}
        return uow.save(
            ENROLMENTS,
            enrolment,
            {"state": to, "state_reason": reason},
            "enrolment.transitioned",
            change=change,
            reason=reason,
        )

    return db.transact(work, cause=cause, once=once)


def put_situation_analysis(
    db: Database, cause: Cause, identifier: str, analysis: dict[str, Any], *, if_match: int
) -> Document:
    """The enrolment with this analysis in place of the earlier one. Raises Stale, NotFound."""

    def work(uow: UnitOfWork) -> Document:
        enrolment = uow.get(ENROLMENTS, identifier, if_match=if_match)
        whole = {"situation_analysis": {**NOT_STARTED, **analysis}}
        return uow.save(ENROLMENTS, enrolment, whole, "situation_analysis.updated")

    return db.transact(work, cause=cause)


def _grant_package(uow: UnitOfWork, enrolment: Document) -> None:
    season = uow.get(SEASONS, enrolment["season_id"])
    half_days = round(season["package"]["workshop_days"] * 2)
    if half_days:
        grant(uow, enrolment["_id"], half_days, f"The package of season {season['number']}")


def _referred_to(uow: UnitOfWork, fields: dict[str, Any]) -> Document:
    """The season. Raises Invalid for whatever else the fields refer to in vain, all of it at once."""
    errors: dict[str, list[str]] = {}
    season = uow.find_one(SEASONS.collection, {"_id": fields["season_id"]})
    if season is None:
        errors["season_id"] = ["There is no such season."]
    if uow.find_one(ORGANISATIONS.collection, {"_id": fields["organisation_id"]}, projection={"_id": 1}) is None:
        errors["organisation_id"] = ["There is no such organisation."]
    wanted = fields["contact_ids"]
    there = {row["_id"] for row in uow.find(CONTACTS.collection, {"_id": {"$in": wanted}}, projection={"_id": 1})}
    errors |= {
        f"contact_ids.{position}": ["There is no such contact."]
        for position, identifier in enumerate(wanted)
        if identifier not in there
    }
    if errors or season is None:
        raise Invalid(errors)
    return season

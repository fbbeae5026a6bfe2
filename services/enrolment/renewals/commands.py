"""Last season's members into the next one: each once, however often it is asked for."""

from collections.abc import Sequence
from typing import Any

from services.enrolment.enrolments.commands import START
from services.enrolment.enrolments.store import ENROLMENTS, EnrolmentDocument
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.references import refer_to
from services.enrolment.renewals.domain import check_seasons, reason_to_skip
from services.enrolment.seasons.domain import check_takes_enrolments
from services.enrolment.seasons.store import SEASONS, SeasonDocument
from services.enrolment.workshop_days.commands import carry, open_account
from services.enrolment.workshop_days.domain import available
from services.enrolment.workshop_days.store import WORKSHOP_DAYS
from shared.errors import Invalid
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

CARRIED = ("organisation_id", "contact_ids", "responsible_contact_id", "coordinator")


def renew(
    uow: UnitOfWork,
    season_id: str,
    *,
    from_season_id: str,
    states: Sequence[str],
    carry_unused_days: bool,
    dry_run: bool,
) -> Document:
    """Makes an inquiry in the season for each of last season's members; `renewed`, `already` and `skipped`.

    People and coordinator go with it. Unused half days go by two entries, one in each account. Raises NotFound,
    NotTakingEnrolments, Invalid.
    """
    season = uow.get(SEASONS, season_id)
    found = uow.find_all(SEASONS, {"_id": from_season_id})
    if not found:
        raise Invalid({"from_season_id": ["There is no such season."]})
    check_seasons(season, found[0])
    if not dry_run:
        check_takes_enrolments(season)
    members = uow.find_all(ENROLMENTS, {"season_id": from_season_id}, sort=[("_id", 1)])
    ids = [member["organisation_id"] for member in members]
    organisations = {row["_id"]: row for row in uow.find(ORGANISATIONS.collection, {"_id": {"$in": ids}})}
    here = {row["organisation_id"]: row for row in uow.find(ENROLMENTS.collection, {"season_id": season_id})}
    if not dry_run:
        refer_to(uow, ORGANISATIONS.collection, organisations)
    unused = _unused(uow, members) if carry_unused_days else {}
    answer: dict[str, list[Document]] = {"renewed": [], "already": [], "skipped": []}
    for member in members:
        row: Document = {"organisation_id": member["organisation_id"], "previous_enrolment_id": member["_id"]}
        present = here.get(member["organisation_id"])
        why = reason_to_skip(member, organisations.get(member["organisation_id"]), states, season["starts_on"])
        if present is not None:
            answer["already"].append({**row, "enrolment_id": present["_id"], "carried_half_days": 0})
        elif why:
            answer["skipped"].append({**row, "why": why})
        else:
            half_days = unused.get(member["_id"], 0)
            made = None if dry_run else _renewed(uow, season, member, half_days)
            answer["renewed"].append({**row, "enrolment_id": made, "carried_half_days": half_days})
    return answer


def _unused(uow: UnitOfWork, members: Sequence[EnrolmentDocument]) -> dict[str, int]:
    accounts = uow.find(WORKSHOP_DAYS.collection, {"_id": {"$in": [member["_id"] for member in members]}})
    return {account["_id"]: available(account) for account in accounts}


def _renewed(uow: UnitOfWork, season: SeasonDocument, member: EnrolmentDocument, half_days: int) -> str:
    known = {theme["key"] for theme in season["themes"]}
    document: dict[str, Any] = {
        **{name: member.get(name) for name in CARRIED},
        **START,
        "season_id": season["_id"],
        "themes": [theme for theme in member["themes"] if theme in known],
        "source": "renewal",
        "next_contact_on": None,
        "previous_enrolment_id": member["_id"],
        "state_since": uow.now,
    }
    enrolment = uow.insert(ENROLMENTS, document, "enrolment.created")
    open_account(uow, enrolment["_id"])
    if half_days:
        carry(uow, member["_id"], enrolment["_id"], half_days=half_days, number=season["number"])
    return enrolment["_id"]

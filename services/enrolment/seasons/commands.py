"""The commands on seasons."""

from typing import Any

from services.enrolment.deleting import delete
from services.enrolment.seasons.schemas import SeasonInput
from services.enrolment.seasons.store import SEASONS, SeasonDocument
from shared.errors import Conflict
from shared.merge_patch import patched
from shared.mongo.unit_of_work import UnitOfWork

INPUT = SeasonInput()


def create_season(uow: UnitOfWork, fields: dict[str, Any]) -> SeasonDocument:
    """A new draft. Raises Conflict when its number is taken."""
    return uow.insert(SEASONS, {**fields, "state": "draft"}, "season.created")


def change_season(uow: UnitOfWork, season_id: str, patch: dict[str, Any]) -> SeasonDocument:
    """Applies a merge patch. Raises NotFound, Stale, Invalid, or Conflict when its number is taken."""
    season = uow.get(SEASONS, season_id)
    return uow.save(SEASONS, season, patched(SEASONS.to_public(season), patch, INPUT), "season.updated")


def move_season(uow: UnitOfWork, season_id: str, *, to: str, reason: str | None) -> SeasonDocument:
    """Moves a season to its next state. Raises NotFound, Stale, IllegalTransition."""
    return uow.transition(SEASONS, uow.get(SEASONS, season_id), to, reason=reason)


def delete_season(uow: UnitOfWork, season_id: str) -> None:
    """Deletes a draft. Raises NotFound, Stale, Conflict for a season that was opened or is referred to."""
    season = uow.get(SEASONS, season_id)
    if season["state"] != "draft":
        raise Conflict(f"Only a draft is deleted; season {season['number']} is {season['state']}.")
    delete(uow, SEASONS, season_id)

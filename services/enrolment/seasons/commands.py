"""What staff do with seasons."""

from typing import Any

from services.enrolment.seasons.domain import check_step
from services.enrolment.seasons.schemas import SeasonInput
from services.enrolment.seasons.store import SEASONS
from shared.cause import Cause
from shared.http.routes import patched
from shared.mongo.aggregates import Document
from shared.mongo.database import Database, IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork

_INPUT = SeasonInput()


def create_season(db: Database, cause: Cause, fields: dict[str, Any], *, once: IdempotencyKey | None) -> Document:
    """A new draft. Raises Conflict when its number is taken."""
    return db.transact(
        lambda uow: uow.insert(SEASONS, {**fields, "state": "draft"}, "season.created"), cause=cause, once=once
    )


def change_season(db: Database, cause: Cause, identifier: str, patch: dict[str, Any], *, if_match: int) -> Document:
    """Applies a merge patch. Raises Stale, Invalid, NotFound, or Conflict when its number is taken."""

    def work(uow: UnitOfWork) -> Document:
        season = uow.get(SEASONS, identifier, if_match=if_match)
        return uow.save(SEASONS, season, patched(SEASONS.to_public(season), patch, _INPUT), "season.updated")

    return db.transact(work, cause=cause)


def move_season(
    db: Database,
    cause: Cause,
    identifier: str,
    *,
    to: str,
    reason: str | None,
    if_match: int | None,
    once: IdempotencyKey | None,
) -> Document:
    """Takes the season a step on. Raises IllegalStep, Stale, NotFound."""

    def work(uow: UnitOfWork) -> Document:
        season = uow.get(SEASONS, identifier, if_match=if_match)
        check_step(season["state"], to)
        change = {"from": season["state"], "to": to}
        return uow.save(SEASONS, season, {"state": to}, "season.transitioned", change=change, reason=reason)

    return db.transact(work, cause=cause, once=once)

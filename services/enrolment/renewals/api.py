"""/v1/seasons/{id}/renewals and /v1/seasons/{id}/pipeline"""

from typing import Any

from services.enrolment.renewals import commands, queries
from services.enrolment.renewals.schemas import (
    Comparison,
    ComparisonQuery,
    Pipeline,
    PipelineQuery,
    RenewalInput,
    RenewalQuery,
    Renewals,
)
from services.enrolment.seasons.store import SEASONS
from shared.http.auth import needs
from shared.http.calls import database, run
from shared.http.routes import Routes, load_one
from shared.ids import utc_now
from shared.mongo.aggregates import Document

routes = Routes("renewals", __name__, url_prefix="/v1", description="From one season to the next")


@routes.post("/seasons/<id>/renewals")
@needs("manager")
@routes.query(RenewalQuery)
@routes.takes(RenewalInput)
@routes.response(200, Renewals)
def renew_members(query: dict[str, Any], body: dict[str, Any], id: str) -> Document:
    """Take last season's members into this one; pressing it again renews nobody twice"""
    return run(commands.renew, id, **body, dry_run=query["dry_run"])


@routes.get("/seasons/<id>/renewals")
@routes.query(ComparisonQuery)
@routes.response(200, Comparison)
def compare_seasons(query: dict[str, Any], id: str) -> Document:
    """Show which organisations were renewed, lost, are new or returned"""
    season, before = load_one(database(), SEASONS, id), load_one(database(), SEASONS, query["from_season_id"])
    return queries.comparison(database(), season, before)


@routes.get("/seasons/<id>/pipeline")
@routes.query(PipelineQuery)
@routes.response(200, Pipeline)
def show_pipeline(query: dict[str, Any], id: str) -> Document:
    """Show a season's enrolments by state, for how long, and what is overdue"""
    load_one(database(), SEASONS, id)
    return queries.pipeline(database(), id, quiet_days=query["quiet_days"], now=utc_now())

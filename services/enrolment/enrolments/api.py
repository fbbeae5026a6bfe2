"""/v1/enrolments"""

from collections.abc import Mapping
from typing import Any

from services.enrolment.correcting_routes import add_bulk, add_delete, add_revert
from services.enrolment.enrolments import commands
from services.enrolment.enrolments.schemas import (
    Enrolment,
    EnrolmentInput,
    EnrolmentQuery,
    EnrolmentTransition,
    SituationAnalysis,
    SituationAnalysisInput,
)
from services.enrolment.enrolments.store import ENROLMENTS, EnrolmentDocument
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.seasons.store import SEASONS
from shared.http.calls import database, run
from shared.http.listing import Expansion, Sort
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document

routes = Routes("enrolments", __name__, url_prefix="/v1", description="Who takes part in which season")

enrolments = ResourceRoutes(routes=routes, path="/enrolments", aggregate=ENROLMENTS, shown=Enrolment)
enrolments.create(EnrolmentInput, commands.create_enrolment, "Note an organisation's inquiry about a season")
enrolments.list(
    EnrolmentQuery,
    "List enrolments",
    filters=["season_id", "organisation_id", "state", "coordinator", "reason_code"],
    conditions={
        "theme": lambda theme: {"themes": theme},
        "contact_id": lambda contact: {"contact_ids": contact},
        "next_contact_before": lambda day: {"next_contact_on": {"$lt": day}},
    },
    sorts={"next_contact_on": Sort("next_contact_on")},
    expand={"organisation": Expansion("organisation_id", ORGANISATIONS), "season": Expansion("season_id", SEASONS)},
    counts=["state", "coordinator", "season_id", "reason_code", "themes"],
)
enrolments.show("Show an enrolment")
enrolments.change(EnrolmentInput, commands.change_enrolment)
enrolments.history()
add_delete(enrolments, commands.delete_enrolment)
add_revert(enrolments, EnrolmentInput, commands.change_enrolment)
add_bulk(enrolments, EnrolmentInput, commands.create_enrolment, commands.change_enrolment)


@routes.post("/enrolments/<id>/transitions")
@routes.takes(EnrolmentTransition)
@routes.answers(Enrolment)
def move_enrolment(body: dict[str, Any], id: str) -> EnrolmentDocument:
    """Take an enrolment a step on; to `active` as a manager only"""
    return run(commands.move_enrolment, id, **{"reason": None, **body})


@routes.get("/enrolments/<id>/situation-analysis")
@routes.answers(SituationAnalysis)
def show_situation_analysis(id: str) -> Document:
    """Show an enrolment's situation analysis"""
    return _analysis_of(load_one(database(), ENROLMENTS, id))


@routes.put("/enrolments/<id>/situation-analysis")
@routes.takes(SituationAnalysisInput)
@routes.answers(SituationAnalysis)
def put_situation_analysis(body: dict[str, Any], id: str) -> Document:
    """Replace an enrolment's situation analysis (needs If-Match with the enrolment's version)"""
    return _analysis_of(run(commands.put_situation_analysis, id, body))


def _analysis_of(enrolment: Mapping[str, Any]) -> Document:
    return {**enrolment["situation_analysis"], "enrolment_id": enrolment["_id"], "version": enrolment["version"]}

"""/v1/enrolments"""

from typing import Any

from services.enrolment.enrolments import commands
from services.enrolment.enrolments.schemas import (
    Enrolment,
    EnrolmentInput,
    EnrolmentQuery,
    SituationAnalysis,
    SituationAnalysisInput,
)
from services.enrolment.enrolments.store import ENROLMENTS
from shared.http.calls import if_match, once, request_cause, required_match
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page
from shared.schemas import MergePatch, TransitionInput

FILTERS = ("season_id", "organisation_id", "state", "coordinator")


def routes(db: Database) -> Routes:
    """The enrolments' part of the service's HTTP interface."""
    blueprint = Routes("enrolments", __name__, url_prefix="/v1", description="Who takes part in which season")

    @blueprint.route("/enrolments", methods=["POST"])
    @blueprint.takes(EnrolmentInput)
    @blueprint.answers(Enrolment, 201)
    def create_enrolment(body: dict[str, Any]) -> Document:
        """Note an organisation's inquiry about a season"""
        return commands.create_enrolment(db, request_cause(), body, once=once())

    @blueprint.route("/enrolments", methods=["GET"])
    @blueprint.query(EnrolmentQuery)
    @blueprint.lists(Enrolment)
    def list_enrolments(query: dict[str, Any]) -> Page:
        """List enrolments"""
        filters = {name: query[name] for name in FILTERS if name in query}
        return page(db, ENROLMENTS.collection, filters, limit=query["limit"], cursor=query["cursor"])

    @blueprint.route("/enrolments/<id>", methods=["GET"])
    @blueprint.answers(Enrolment)
    def get_enrolment(id: str) -> Document:
        """Show an enrolment"""
        return load_one(db, ENROLMENTS, id)

    @blueprint.route("/enrolments/<id>", methods=["PATCH"])
    @blueprint.takes(MergePatch)
    @blueprint.answers(Enrolment)
    def change_enrolment(body: dict[str, Any], id: str) -> Document:
        """Change an enrolment (JSON merge patch; needs If-Match)"""
        return commands.change_enrolment(db, request_cause(), id, body, if_match=required_match(if_match()))

    @blueprint.route("/enrolments/<id>/transitions", methods=["POST"])
    @blueprint.takes(TransitionInput)
    @blueprint.answers(Enrolment)
    def move_enrolment(body: dict[str, Any], id: str) -> Document:
        """Take an enrolment a step on; to `active` as a manager only"""
        return commands.move_enrolment(
            db, request_cause(), id, to=body["to"], reason=body.get("reason"), if_match=if_match(), once=once()
        )

    @blueprint.route("/enrolments/<id>/situation-analysis", methods=["GET"])
    @blueprint.answers(SituationAnalysis)
    def get_situation_analysis(id: str) -> Document:
        """Show an enrolment's situation analysis"""
        return _analysis_of(load_one(db, ENROLMENTS, id))

    @blueprint.route("/enrolments/<id>/situation-analysis", methods=["PUT"])
    @blueprint.takes(SituationAnalysisInput)
    @blueprint.answers(SituationAnalysis)
    def put_situation_analysis(body: dict[str, Any], id: str) -> Document:
        """Replace an enrolment's situation analysis (needs If-Match with the enrolment's version)"""
        match = required_match(if_match())
        return _analysis_of(commands.put_situation_analysis(db, request_cause(), id, body, if_match=match))

    add_history(blueprint, "/enrolments/<id>/history", db, ENROLMENTS)
    return blueprint


def _analysis_of(enrolment: Document) -> Document:
    about = {"enrolment_id": enrolment["_id"], "version": enrolment["version"]}
    return {**enrolment["situation_analysis"], **about}

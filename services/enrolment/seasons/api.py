"""/v1/seasons"""

from typing import Any

from services.enrolment.seasons import commands
from services.enrolment.seasons.schemas import Season, SeasonInput, SeasonQuery
from services.enrolment.seasons.store import SEASONS
from shared.http.auth import needs
from shared.http.calls import if_match, once, request_cause, required_match
from shared.http.routes import MergePatch, Routes, add_history, load_one
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page
from shared.schemas import TransitionInput


def routes(db: Database) -> Routes:
    """The seasons' part of the service's HTTP interface."""
    blueprint = Routes("seasons", __name__, url_prefix="/v1", description="The rounds of the network")

    @blueprint.route("/seasons", methods=["POST"])
    @blueprint.takes(SeasonInput)
    @blueprint.answers(Season, 201)
    def create_season(body: dict[str, Any]) -> Document:
        """Draft a season"""
        return commands.create_season(db, request_cause(), body, once=once())

    @blueprint.route("/seasons", methods=["GET"])
    @blueprint.query(SeasonQuery)
    @blueprint.lists(Season)
    def list_seasons(query: dict[str, Any]) -> Page:
        """List seasons"""
        filters = {"state": query["state"]} if "state" in query else {}
        return page(db, SEASONS.collection, filters, limit=query["limit"], cursor=query["cursor"])

    @blueprint.route("/seasons/<id>", methods=["GET"])
    @blueprint.answers(Season)
    def get_season(id: str) -> Document:
        """Show a season"""
        return load_one(db, SEASONS, id)

    @blueprint.route("/seasons/<id>", methods=["PATCH"])
    @blueprint.takes(MergePatch)
    @blueprint.answers(Season)
    def change_season(body: dict[str, Any], id: str) -> Document:
        """Change a season (JSON merge patch; needs If-Match)"""
        return commands.change_season(db, request_cause(), id, body, if_match=required_match(if_match()))

    @blueprint.route("/seasons/<id>/transitions", methods=["POST"])
    @needs("manager")
    @blueprint.takes(TransitionInput)
    @blueprint.answers(Season)
    def move_season(body: dict[str, Any], id: str) -> Document:
        """Open, start or close a season"""
        return commands.move_season(
            db, request_cause(), id, to=body["to"], reason=body.get("reason"), if_match=if_match(), once=once()
        )

    add_history(blueprint, "/seasons/<id>/history", db, SEASONS)
    return blueprint

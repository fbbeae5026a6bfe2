"""/v1/enrolments/{id}/workshop-days"""

from typing import Any

from services.enrolment.workshop_days import commands
from services.enrolment.workshop_days.schemas import AdjustmentInput, WorkshopDays
from services.enrolment.workshop_days.store import WORKSHOP_DAYS
from shared.http.calls import once, request_cause
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.database import Database


def routes(db: Database) -> Routes:
    """The workshop days' part of the service's HTTP interface."""
    blueprint = Routes("workshop-days", __name__, url_prefix="/v1", description="The quota of workshops")

    @blueprint.route("/enrolments/<id>/workshop-days", methods=["GET"])
    @blueprint.answers(WorkshopDays)
    def get_workshop_days(id: str) -> Document:
        """Show an enrolment's workshop days with their ledger, in half days"""
        return load_one(db, WORKSHOP_DAYS, id)

    @blueprint.route("/enrolments/<id>/workshop-days/adjustments", methods=["POST"])
    @blueprint.takes(AdjustmentInput)
    @blueprint.answers(WorkshopDays, 201)
    def adjust_workshop_days(body: dict[str, Any], id: str) -> Document:
        """Grant more half days, or take away what is free"""
        return commands.adjust(db, request_cause(), id, half_days=body["half_days"], reason=body["reason"], once=once())

    add_history(blueprint, "/enrolments/<id>/workshop-days/history", db, WORKSHOP_DAYS)
    return blueprint

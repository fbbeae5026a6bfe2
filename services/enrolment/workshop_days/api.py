"""/v1/enrolments/{id}/workshop-days"""

from typing import Any

from services.enrolment.workshop_days import commands
from services.enrolment.workshop_days.schemas import AdjustmentInput, WorkshopDays
from services.enrolment.workshop_days.store import WORKSHOP_DAYS, WorkshopDaysDocument
from shared.http.calls import database, run
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document

routes = Routes("workshop-days", __name__, url_prefix="/v1", description="The quota of workshops")


@routes.get("/enrolments/<id>/workshop-days")
@routes.answers(WorkshopDays)
def show_workshop_days(id: str) -> Document:
    """Show an enrolment's workshop days with their ledger, in half days"""
    return load_one(database(), WORKSHOP_DAYS, id)


@routes.post("/enrolments/<id>/workshop-days/adjustments")
@routes.takes(AdjustmentInput)
@routes.answers(WorkshopDays, 201)
def adjust_workshop_days(body: dict[str, Any], id: str) -> WorkshopDaysDocument:
    """Grant more half days, or take away what is free"""
    return run(commands.adjust, id, half_days=body["half_days"], reason=body["reason"])


add_history(routes, "/enrolments/<id>/workshop-days/history", None, WORKSHOP_DAYS)

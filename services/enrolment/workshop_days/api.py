"""/v1/enrolments/{id}/workshop-days"""

from typing import Any

from services.enrolment.workshop_days import commands
from services.enrolment.workshop_days.schemas import AdjustmentInput, LedgerEntry, WorkshopDays
from services.enrolment.workshop_days.store import ENTRIES, WORKSHOP_DAYS, WorkshopDaysDocument
from shared.http.calls import database, run
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.paging import Page, page
from shared.schemas import PageQuery

routes = Routes("workshop-days", __name__, url_prefix="/v1", description="The quota of workshops")


@routes.get("/enrolments/<id>/workshop-days")
@routes.answers(WorkshopDays)
def show_workshop_days(id: str) -> Document:
    """Show an enrolment's workshop days with the newest entries of their ledger, in half days"""
    return load_one(database(), WORKSHOP_DAYS, id)


@routes.get("/enrolments/<id>/workshop-days/ledger")
@routes.query(PageQuery)
@routes.lists(LedgerEntry)
def list_ledger(query: dict[str, Any], id: str) -> Page:
    """List all entries of an enrolment's ledger, newest first"""
    load_one(database(), WORKSHOP_DAYS, id)
    mine = {"enrolment_id": id}
    return page(database(), ENTRIES, mine, limit=query["limit"], cursor=query["cursor"], sort=[("_id", -1)])


@routes.post("/enrolments/<id>/workshop-days/adjustments")
@routes.takes(AdjustmentInput)
@routes.answers(WorkshopDays, 201)
def adjust_workshop_days(body: dict[str, Any], id: str) -> WorkshopDaysDocument:
    """Grant more half days, or take away what is free"""
    return run(commands.adjust, id, half_days=body["half_days"], reason=body["reason"])


add_history(routes, "/enrolments/<id>/workshop-days/history", None, WORKSHOP_DAYS)

"""/v1/staff/me"""

from typing import Any

from services.notifications.staff.commands import describe_oneself, staff_member
from services.notifications.staff.store import StaffInput, StaffMember
from shared.http.auth import needs
from shared.http.calls import database, request_cause, run
from shared.http.routes import Routes
from shared.mongo.aggregates import Document

routes = Routes("staff", __name__, url_prefix="/v1", description="What staff want to hear of")


@routes.get("/staff/me")
@routes.answers(StaffMember)
def show_oneself() -> Document:
    """Show what one has said of oneself"""
    return staff_member(database(), request_cause().actor)


@routes.put("/staff/me")
@needs("viewer")
@routes.takes(StaffInput)
@routes.answers(StaffMember)
def put_oneself(body: dict[str, Any]) -> Document:
    """Say where one's mail goes, and whether a digest is wanted (needs If-Match)"""
    return run(describe_oneself, body)

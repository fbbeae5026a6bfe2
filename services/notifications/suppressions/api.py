"""/v1/suppressions"""

from typing import Any

from services.notifications.suppressions import commands
from services.notifications.suppressions.store import (
    SUPPRESSIONS,
    Suppression,
    SuppressionInput,
    SuppressionQuery,
    SuppressionSearch,
)
from shared.email_address import normalise_email
from shared.http.calls import database, run
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes
from shared.mongo.paging import Page, page

routes = Routes("suppressions", __name__, url_prefix="/v1", description="Addresses that get nothing")

suppressions = ResourceRoutes(routes=routes, path="/suppressions", aggregate=SUPPRESSIONS, shown=Suppression)
suppressions.create(SuppressionInput, commands.suppress, "Send nothing to an address any more")
suppressions.list(SuppressionQuery, "List suppressed addresses", filters=["reason"])
suppressions.show("Show a suppressed address")
suppressions.history()


@routes.post("/suppressions/search")
@routes.takes(SuppressionSearch)
@routes.lists(Suppression)
def find_suppression(body: dict[str, Any]) -> Page:
    """Find an address, however it is written; it stands in the body, since addresses in URLs end up in logs"""
    return page(database(), SUPPRESSIONS.collection, {"email": normalise_email(body["email"])})


@routes.delete("/suppressions/<id>")
@routes.response(204)
def lift_suppression(id: str) -> None:
    """Send to the address again"""
    run(commands.lift, id)

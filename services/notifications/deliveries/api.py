"""/v1/deliveries"""

from typing import Any

from services.notifications.deliveries import commands
from services.notifications.deliveries.schemas import DeliveryQuery, DeliveryWithText, ShownDelivery
from services.notifications.deliveries.store import DELIVERIES, NEWEST_FIRST, list_query
from shared.http.calls import database, run
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.paging import Page, page

routes = Routes("deliveries", __name__, url_prefix="/v1", description="E-mails: to whom, why, and what came of it")


@routes.get("/deliveries")
@routes.query(DeliveryQuery)
@routes.lists(ShownDelivery)
def list_deliveries(query: dict[str, Any]) -> Page:
    """List deliveries, newest first"""
    return page(
        database(),
        DELIVERIES.collection,
        list_query(query),
        limit=query["limit"],
        cursor=query["cursor"],
        sort=NEWEST_FIRST,
    )


@routes.get("/deliveries/<id>")
@routes.answers(DeliveryWithText)
def get_delivery(id: str) -> Document:
    """Show a delivery and its text"""
    return load_one(database(), DELIVERIES, id)


@routes.post("/deliveries/<id>/resend")
@routes.answers(ShownDelivery, 201)
def resend_delivery(id: str) -> Document:
    """Write to the same recipient again, with today's text and facts"""
    return run(commands.resend, id)


ResourceRoutes(routes=routes, path="/deliveries", aggregate=DELIVERIES, shown=ShownDelivery).history()

"""/v1/deliveries"""

from typing import Any

from services.notifications.deliveries import commands
from services.notifications.deliveries.schemas import DeliveryQuery, DeliveryWithText, ShownDelivery
from services.notifications.deliveries.store import DELIVERIES, NEWEST_FIRST, list_query
from shared.http.calls import once, request_cause
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page


def routes(db: Database) -> Routes:
    """The deliveries' part of the service's HTTP interface."""
    blueprint = Routes(
        "deliveries", __name__, url_prefix="/v1", description="E-mails: to whom, why, and what came of it"
    )

    @blueprint.route("/deliveries", methods=["GET"])
    @blueprint.query(DeliveryQuery)
    @blueprint.lists(ShownDelivery)
    def list_deliveries(query: dict[str, Any]) -> Page:
        """List deliveries, newest first"""
        return page(
            db,
            DELIVERIES.collection,
            list_query(query),
            limit=query["limit"],
            cursor=query["cursor"],
            sort=NEWEST_FIRST,
        )

    @blueprint.route("/deliveries/<id>", methods=["GET"])
    @blueprint.answers(DeliveryWithText)
    def get_delivery(id: str) -> Document:
        """Show a delivery and its text"""
        return load_one(db, DELIVERIES, id)

    @blueprint.route("/deliveries/<id>/resend", methods=["POST"])
    @blueprint.answers(ShownDelivery, 201)
    def resend_delivery(id: str) -> Document:
        """Write to the same recipient again, with today's text and facts"""
        return commands.resend(db, request_cause(), id, once=once())

    add_history(blueprint, "/deliveries/<id>/history", db, DELIVERIES)
    return blueprint

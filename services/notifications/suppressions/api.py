"""/v1/suppressions"""

from typing import Any

from services.notifications.addresses import normalise_email
from services.notifications.suppressions import commands
from services.notifications.suppressions.store import (
    SUPPRESSIONS,
    Suppression,
    SuppressionInput,
    SuppressionQuery,
)
from shared.http.calls import if_match, once, request_cause
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page


def routes(db: Database) -> Routes:
    """The suppressions' part of the service's HTTP interface."""
    blueprint = Routes("suppressions", __name__, url_prefix="/v1", description="Addresses that get nothing")

    @blueprint.route("/suppressions", methods=["POST"])
    @blueprint.takes(SuppressionInput)
    @blueprint.answers(Suppression, 201)
    def add_suppression(body: dict[str, Any]) -> Document:
        """Send nothing to an address any more"""
        return commands.suppress(db, request_cause(), body, once=once())

    @blueprint.route("/suppressions", methods=["GET"])
    @blueprint.query(SuppressionQuery)
    @blueprint.lists(Suppression)
    def list_suppressions(query: dict[str, Any]) -> Page:
        """List suppressed addresses"""
        filters: Document = {"reason": query["reason"]} if "reason" in query else {}
        if "email" in query:
            filters["email"] = normalise_email(query["email"])
        return page(db, SUPPRESSIONS.collection, filters, limit=query["limit"], cursor=query["cursor"])

    @blueprint.route("/suppressions/<id>", methods=["GET"])
    @blueprint.answers(Suppression)
    def get_suppression(id: str) -> Document:
        """Show a suppressed address"""
        return load_one(db, SUPPRESSIONS, id)

    @blueprint.route("/suppressions/<id>", methods=["DELETE"])
    @blueprint.response(204)
    def lift_suppression(id: str) -> None:
        """Send to the address again"""
        commands.lift(db, request_cause(), id, if_match=if_match())

    add_history(blueprint, "/suppressions/<id>/history", db, SUPPRESSIONS)
    return blueprint

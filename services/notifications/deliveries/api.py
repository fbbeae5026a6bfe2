"""/v1/deliveries"""

from collections.abc import Sequence

from services.notifications.deliveries import commands
from services.notifications.deliveries.schemas import DeliveryQuery, DeliveryWithText, ShownDelivery
from services.notifications.deliveries.store import DELIVERIES, in_states
from services.notifications.merging import ids_of
from shared.http.calls import database, run
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document

routes = Routes("deliveries", __name__, url_prefix="/v1", description="E-mails: to whom, why, and what came of it")


deliveries = ResourceRoutes(routes=routes, path="/deliveries", aggregate=DELIVERIES, shown=ShownDelivery)
deliveries.list(
    DeliveryQuery,
    "List deliveries, newest first",
    filters=["event_id", "registration_id", "enrolment_id", "announcement_id", "template"],
    conditions={"state": in_states, "contact_id": lambda given: {"contact_id": {"$in": _whole_people(given)}}},
    default_sort="-created_at",
    counts=["template", "language"],
)
deliveries.history()


def _whole_people(contact_ids: Sequence[str]) -> list[str]:
    """Deliveries keep the id of before a merge: the ids of the contacts, and of those that were merged into them."""
    return [found for contact_id in contact_ids for found in ids_of(database(), contact_id)]


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

"""What enrolment keeps of the other services: of workshops what their days depend on, and who was where."""

from collections.abc import Callable, Sequence
from functools import partial

from pymongo import IndexModel

from shared.messaging.messages import Message
from shared.messaging.subscriptions import Projection
from shared.mongo.aggregates import Document


def only(*names: str) -> Callable[[Message], Document]:
    """Keeps these fields of the state."""
    return partial(_kept, names)


def _kept(names: Sequence[str], message: Message) -> Document:
    state = message.state or {}
    return {name: state.get(name) for name in names}


EVENTS = Projection(
    collection="events",
    keep=only("kind", "state", "enrolment_id", "days", "title", "starts_at"),
    indexes=[IndexModel("enrolment_id", name="enrolment")],
)
REGISTRATIONS = Projection(
    collection="registrations",
    keep=only("event_id", "contact_id", "organisation_id", "role", "state", "feedback", "created_at", "updated_at"),
    indexes=[
        IndexModel([("contact_id", 1), ("updated_at", -1), ("_id", -1)], name="contact"),
        IndexModel([("organisation_id", 1), ("updated_at", -1), ("_id", -1)], name="organisation"),
    ],
)
DELIVERIES = Projection(
    collection="deliveries",
    keep=only("contact_id", "template", "state", "event_id", "enrolment_id", "sent_at", "updated_at"),
    indexes=[
        IndexModel([("contact_id", 1), ("updated_at", -1), ("_id", -1)], name="contact"),
        IndexModel("enrolment_id", name="enrolment"),
    ],
)

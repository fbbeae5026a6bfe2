"""The projections of events' resources: of workshops the fields that their days depend on."""

from shared.messaging.messages import Message
from shared.messaging.subscriptions import Projection
from shared.mongo.aggregates import Document


def keep_of_event(message: Message) -> Document:
    state = message.state or {}
    return {name: state.get(name) for name in ("kind", "state", "enrolment_id", "days")}


EVENTS = Projection(collection="events", keep=keep_of_event)

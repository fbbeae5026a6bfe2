"""A service's acknowledgement of an erasure."""

from marshmallow import fields

from shared.messaging.changes import Change
from shared.messaging.topics import Topic, state_topic
from shared.mongo.aggregates import Aggregate, Document
from shared.schemas import Id, Resource

ACKNOWLEDGED = "erasure.acknowledged"
COLLECTION = "acknowledgements"


class Acknowledgement(Resource):
    """A service holds nothing of the person any more. The id is the erasure's."""

    contact_ids = fields.List(Id(), required=True, metadata={"description": "the person's, merged ones included"})


def acknowledgements_topic(service: str) -> str:
    """The topic of the service's acknowledgements."""
    return f"uso.{service}.acknowledgements.v1"


def acknowledgements(service: str) -> Aggregate[Document]:
    """The aggregate of the service's acknowledgements, one for each erasure."""
    return Aggregate(
        name="acknowledgement",
        collection=COLLECTION,
        source=f"/uso/{service}",
        topic=acknowledgements_topic(service),
        message_types={ACKNOWLEDGED: Change},
        schema=Acknowledgement,
    )


def declared_topic(service: str) -> Topic:
    """The topic of acknowledgements as the service declares it."""
    return state_topic(acknowledgements_topic(service), f"Of each erasure: {service} holds nothing of the person.")

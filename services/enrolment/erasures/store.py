"""The collection of erasures: the proof that a person was erased, without their name."""

from datetime import datetime
from typing import Any, TypedDict

from pymongo import IndexModel

from ops.erasure.following import ERASURES_TOPIC, REQUESTED
from services.enrolment.erasures.domain import LIFECYCLE
from services.enrolment.erasures.schemas import Erasure
from shared.messaging.changes import Change, Transition
from shared.mongo.aggregates import Aggregate


class ErasureDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    contact_ids: list[str]
    state: str
    services: dict[str, Any]


ERASURES: Aggregate[ErasureDocument] = Aggregate(
    name="erasure",
    collection="erasures",
    source="/uso/enrolment",
    topic=ERASURES_TOPIC,
    message_types={REQUESTED: Change, "erasure.updated": Change, "erasure.completed": Transition},
    schema=Erasure,
    lifecycle=LIFECYCLE,
    indexes=[
        IndexModel("contact_ids", name="contact", unique=True),
        IndexModel([("state", 1), ("_id", 1)], name="state"),
    ],
    conflict_messages={"contact": "This person is being erased already."},
)

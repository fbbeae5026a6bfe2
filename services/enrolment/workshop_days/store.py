"""Accounts of workshop days: one document an enrolment, with the enrolment's id, and its ledger's entries."""

from datetime import datetime
from typing import Any, TypedDict

from pymongo import IndexModel

from services.enrolment.workshop_days.schemas import Movement, WorkshopDays
from shared.messaging.changes import Change
from shared.mongo.aggregates import Aggregate

ENTRIES = "workshop_day_entries"
ENTRIES_INDEXES = [
    IndexModel([("enrolment_id", 1), ("_id", -1)], name="ledger"),
    IndexModel([("enrolment_id", 1), ("event_id", 1), ("_id", 1)], name="event"),
]


class WorkshopDaysDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    granted: int
    reserved: int
    used: int
    ledger: list[dict[str, Any]]


WORKSHOP_DAYS: Aggregate[WorkshopDaysDocument] = Aggregate(
    name="workshop days",
    collection="workshop_days",
    source="/uso/enrolment",
    topic="uso.enrolment.workshop-days.v1",
    message_types={
        "workshop_days.opened": Change,
        "workshop_days.adjusted": Movement,
        "workshop_days.reserved": Movement,
        "workshop_days.refused": Movement,
        "workshop_days.released": Movement,
        "workshop_days.used": Movement,
        "workshop_days.carried": Movement,
    },
    schema=WorkshopDays,
    omit_from_changes=frozenset({"ledger"}),
)

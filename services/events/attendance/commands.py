"""Check-ins from doors that may have been offline: any order and any repetition have the same result."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import IndexModel, InsertOne

from services.events.registrations.commands import move_registration
from services.events.registrations.domain import LIFECYCLE
from services.events.registrations.store import REGISTRATIONS, RegistrationDocument
from shared.errors import NotFound, Problem
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

SCANS = "scans"
# A door that was offline for a whole season has no scans that still matter.
SCANS_INDEXES = [
    IndexModel("registration_id", name="registration"),
    IndexModel("kept_from", name="ttl", expireAfterSeconds=400 * 86400),
]


def check_in(uow: UnitOfWork, event_id: str, scans: Sequence[Mapping[str, Any]]) -> list[Document]:
    """The outcome of each scan: `attended`, `refused` with a reason, or `known` for a scan that came before.

    A scan counts once, by its id: sent again after staff took a check-in back, it does not bring it back. The person
    came at the earliest of the scans, and was there for the most minutes that any of them says.
    """
    known = {row["_id"] for row in uow.find(SCANS, {"_id": {"$in": [scan["id"] for scan in scans]}})}
    outcomes: list[Document] = []
    for scan in scans:
        if scan["id"] in known:
            outcomes.append({"id": scan["id"], "outcome": "known", "reason": None})
            continue
        known.add(scan["id"])
        try:
            _count(uow, event_id, scan)
        except Problem as refusal:
            outcomes.append({"id": scan["id"], "outcome": "refused", "reason": refusal.detail})
        else:
            row = {"_id": scan["id"], "registration_id": scan["registration_id"], "kept_from": uow.now}
            uow.write(SCANS, InsertOne(row))
            outcomes.append({"id": scan["id"], "outcome": "attended", "reason": None})
    return outcomes


def _count(uow: UnitOfWork, event_id: str, scan: Mapping[str, Any]) -> None:
    registration = uow.get(REGISTRATIONS, scan["registration_id"])
    if registration["event_id"] != event_id:
        raise NotFound("registration", scan["registration_id"])
    if registration["state"] != "attended":
        LIFECYCLE.check(registration["state"], "attended")
        registration = move_registration(uow, registration["_id"], to="attended", reason=None)
    changes = _presence(registration, scan["at"], scan.get("minutes"))
    uow.save(REGISTRATIONS, registration, changes, "registration.updated")


def _presence(registration: RegistrationDocument, at: datetime, minutes: int | None) -> Document:
    before_at, before_minutes = registration.get("attended_at"), registration.get("minutes")
    said = [each for each in (before_minutes, minutes) if each is not None]
    return {"attended_at": min(before_at, at) if before_at else at, "minutes": max(said, default=None)}

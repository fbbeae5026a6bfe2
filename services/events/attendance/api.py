"""/v1/events/{id}/check-ins and /v1/events/{id}/attendance"""

from functools import partial
from typing import Any
from uuid import UUID, uuid5

from flask import request
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from services.events.attendance.commands import check_in
from services.events.attendance.matching import matched
from services.events.attendance.teams import read_report
from services.events.events.store import EVENTS
from shared.errors import Problem
from shared.http.calls import database, run, the
from shared.http.media import takes_media
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.contention import in_turn
from shared.schemas import Id, Instant, Strict
from shared.secrets import Secrets

# One transaction. A door that was offline for a whole event sends its scans in parts.
MOST_AT_ONCE = 500


class CheckIn(Strict):
    """A scan at a door: its own id, the registration (or the code that was scanned, which is its id), and when."""

    id = Id(required=True)
    registration_id = Id()
    code = Id()
    at = Instant(required=True)
    minutes = fields.Integer(strict=True, validate=validate.Range(min=0, max=100_000))

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if ("registration_id" in data) == ("code" in data):
            raise ValidationError({"registration_id": ["Give either registration_id or code."]})


class CheckInsInput(Strict):
    check_ins = fields.List(fields.Nested(CheckIn), required=True, validate=validate.Length(min=1, max=MOST_AT_ONCE))


class Outcome(Schema):
    id = fields.String(required=True)
    outcome = fields.String(required=True, metadata={"description": "attended, known or refused"})
    reason = fields.String(allow_none=True)


class Outcomes(Schema):
    check_ins = fields.List(fields.Nested(Outcome), required=True)


class AttendanceQuery(Strict):
    dry_run = fields.Boolean(load_default=False, metadata={"description": "shows what it would do"})


class PersonOfReport(Schema):
    name = fields.String(required=True)
    email = fields.String(allow_none=True)
    minutes = fields.Integer(required=True)
    registration_id = fields.String()
    registration_ids = fields.List(fields.String())


class Attendance(Schema):
    matched = fields.List(fields.Nested(PersonOfReport), required=True)
    unmatched = fields.List(fields.Nested(PersonOfReport), required=True)
    ambiguous = fields.List(fields.Nested(PersonOfReport), required=True)


routes = Routes("attendance", __name__, url_prefix="/v1", description="Who was there")


@routes.post("/events/<id>/check-ins")
@routes.takes(CheckInsInput)
@routes.response(200, Outcomes)
def take_check_ins(body: dict[str, Any], id: str) -> Document:
    """Count scans at the door, in any order and any number of times: each once, by its id"""
    load_one(database(), EVENTS, id)
    return {"check_ins": in_turn(id, partial(run, check_in, id, scans_in(body)))}


@routes.post("/events/<id>/attendance")
@takes_media("text/csv")
@routes.query(AttendanceQuery)
@routes.response(200, Attendance)
def take_attendance(query: dict[str, Any], id: str) -> Document:
    """Take over Teams' attendance report (CSV); `?dry_run=true` shows what it would do"""
    event = load_one(database(), EVENTS, id)
    try:
        attendees = read_report(request.get_data())
    except ValueError as error:
        raise Problem(str(error)) from error
    found = matched(database(), the(Secrets), id, attendees)
    if not query["dry_run"]:
        scans = [_scan(event, row) for row in found["matched"]]
        for start in range(0, len(scans), MOST_AT_ONCE):
            in_turn(id, partial(run, check_in, id, scans[start : start + MOST_AT_ONCE]))
    return found


def scans_in(body: dict[str, Any]) -> list[Document]:
    """The scans, each with the registration that it is of: a code is the registration's id."""
    return [{**scan, "registration_id": scan.get("registration_id") or scan["code"]} for scan in body["check_ins"]]


def _scan(event: Document, row: Document) -> Document:
    """The same report makes the same scans, so that a second upload counts nothing twice."""
    identity = uuid5(UUID(event["_id"]), f"{row['registration_id']} {row['minutes']}")
    return {
        "id": str(identity),
        "registration_id": row["registration_id"],
        "at": event["starts_at"],
        "minutes": row["minutes"],
    }

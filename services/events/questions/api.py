"""/v1/events/{id}/answers.csv and /v1/events/{id}/sensitive-answers"""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from services.events.door_list.api import TableQuery
from services.events.door_list.rows import named_rows
from services.events.events.store import EVENTS
from services.events.questions.answers import sensitive_answers
from services.events.registrations.domain import SEATED
from services.events.registrations.store import REGISTRATIONS
from shared.http.auth import needs
from shared.http.calls import database, the
from shared.http.downloads import table_answer
from shared.http.media import gives_media
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.schemas import ByLanguage
from shared.secrets import Secrets
from shared.tables import CSV, XLSX


class AnswersWithoutNames(Schema):
    """A sensitive question, and what was answered to it; nobody can tell by whom."""

    key = fields.String(required=True)
    label = ByLanguage(required=True)
    answers = fields.List(fields.Raw(), required=True)


class SensitiveAnswers(Schema):
    questions = fields.List(fields.Nested(AnswersWithoutNames), required=True)


routes = Routes("answers", __name__, url_prefix="/v1", description="The answers to an event's own questions")


@routes.get("/events/<id>/answers.csv")
@gives_media(CSV, XLSX)
@routes.query(TableQuery)
@routes.response(200, fields.String(), content_type=CSV)
def list_answers(query: dict[str, Any], id: str) -> Response:
    """The answers of each person who is not cancelled, without the sensitive ones, as CSV or XLSX"""
    event = load_one(database(), EVENTS, id)
    keys = [question["key"] for question in event.get("questions") or [] if not question["sensitive"]]
    rows = named_rows(database(), the(Secrets), id)
    table = [{**row, **{key: _cell((row["answers"] or {}).get(key)) for key in keys}} for row in rows]
    columns = ("family_name", "given_name", "organisation", "state", *keys)
    return table_answer(columns, table, name="answers", format=query["format"], separator=query["separator"])


@routes.get("/events/<id>/sensitive-answers")
@needs("coordinator")
@routes.response(200, SensitiveAnswers)
def list_sensitive_answers(id: str) -> Document:
    """The sensitive answers of those who have a seat, without names: for the caterer"""
    event = load_one(database(), EVENTS, id)
    seated = database()[REGISTRATIONS.collection].find({"event_id": id, "state": {"$in": list(SEATED)}}, {"_id": 1})
    return {"questions": sensitive_answers(database(), the(Secrets), event, {row["_id"] for row in seated})}


def _cell(answer: Any) -> Any:
    return ", ".join(answer) if isinstance(answer, list) else answer

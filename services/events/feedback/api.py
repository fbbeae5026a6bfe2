"""/v1/events/{id}/anonymous-feedback"""

from typing import Any

from marshmallow import Schema, fields

from services.events.events.store import EVENTS
from services.events.feedback.store import ANONYMOUS
from shared.http.calls import database
from shared.http.routes import Routes, load_one
from shared.mongo.paging import Page, page
from shared.schemas import PageQuery


class AnonymousFeedback(Schema):
    """What somebody said about the event; nobody can tell who, or when."""

    score = fields.Integer(required=True)
    comment = fields.String(allow_none=True)
    answers = fields.Dict(required=True)


routes = Routes("feedback", __name__, url_prefix="/v1", description="Feedback without names")


@routes.get("/events/<id>/anonymous-feedback")
@routes.query(PageQuery)
@routes.lists(AnonymousFeedback)
def list_anonymous_feedback(query: dict[str, Any], id: str) -> Page:
    """List the feedback on an event with `feedback_anonymous`, in no order"""
    load_one(database(), EVENTS, id)
    return page(database(), ANONYMOUS, {"event_id": id}, limit=query["limit"], cursor=query["cursor"])

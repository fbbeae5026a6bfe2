"""/v1/organisations/{id}/timeline and /v1/contacts/{id}/timeline"""

from typing import Any

from services.enrolment.contacts.store import CONTACTS
from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.timeline.entries import About, timeline
from services.enrolment.timeline.schemas import Entry, TimelineQuery
from services.enrolment.timeline.spans import Span
from shared.http.calls import database
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.paging import Page

routes = Routes("timeline", __name__, url_prefix="/v1", description="What happened, in all three services")


@routes.get("/organisations/<id>/timeline")
@routes.query(TimelineQuery)
@routes.lists(Entry)
def show_organisation_timeline(query: dict[str, Any], id: str) -> Page:
    """Show what happened around an organisation, newest first"""
    load_one(database(), ORGANISATIONS, id)
    rows = database()[ENROLMENTS.collection].find({"organisation_id": id}, {"contact_ids": 1})
    enrolments = [row["_id"] for row in rows]
    people = [row["_id"] for row in database()[CONTACTS.collection].find({"organisation_id": id}, {"_id": 1})]
    ids = [id, *enrolments]
    return _page(query, About(journal=ids, noted=ids, people=people, organisation_id=id))


@routes.get("/contacts/<id>/timeline")
@routes.query(TimelineQuery)
@routes.lists(Entry)
def show_contact_timeline(query: dict[str, Any], id: str) -> Page:
    """Show what happened around a contact, and around those who were merged into it, newest first"""
    contact = load_one(database(), CONTACTS, id)
    merged = database()[CONTACTS.collection].find({"merged_into": contact["_id"]}, {"_id": 1})
    ids = [id, *(row["_id"] for row in merged)]
    return _page(query, About(journal=ids, noted=ids, people=ids))


def _page(query: Document, about: About) -> Page:
    span = Span(since=query.get("from"), until=query.get("to"))
    return timeline(database(), about, span, kinds=query.get("kind", ()), limit=query["limit"], cursor=query["cursor"])

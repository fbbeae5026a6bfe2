"""/v1/contacts/inactive and /v1/contacts/{id}/export: what the law asks of who keeps data of people."""

from typing import Any

from flask import Response, jsonify

from services.enrolment.contacts.schemas import Contact
from services.enrolment.contacts.store import CONTACTS
from services.enrolment.persons.holdings import active_since, everything_about
from services.enrolment.persons.schemas import Export, InactiveQuery
from shared.http.auth import needs
from shared.http.calls import database
from shared.http.routes import Routes, load_one
from shared.ids import utc_now
from shared.mongo.paging import Page, page

routes = Routes("persons", __name__, url_prefix="/v1", description="What is held on people, and about whom for nothing")

ELSEWHERE = (
    ("events", "answers to questions, feedback and comments, invitations and their answers"),
    ("notifications", "preferences, suppressed addresses, the texts of mails"),
)


@routes.get("/contacts/inactive")
@routes.query(InactiveQuery)
@routes.lists(Contact)
def list_inactive(query: dict[str, Any]) -> Page:
    """List contacts about whom nothing has happened since a day; a page may be short, and the next one not"""
    db, since = database(), query["since"]
    candidates = {"updated_at": {"$lt": since}, "merged_into": None}
    found = page(
        db,
        CONTACTS.collection,
        candidates,
        limit=query["limit"],
        cursor=query["cursor"],
        sort=[("updated_at", 1), ("_id", 1)],
        bound_to=f"inactive {since.isoformat()}",
    )
    active = active_since(db, [contact["_id"] for contact in found.items], since)
    idle = [contact for contact in found.items if contact["_id"] not in active]
    return Page(items=idle, next_cursor=found.next_cursor)


@routes.get("/contacts/<id>/export")
@needs("manager")
@routes.response(200, Export)
def export_contact(id: str) -> Response:
    """Show everything that is held on a person, as they may ask for it (GDPR, article 15)"""
    contact = load_one(database(), CONTACTS, id)
    elsewhere = [
        {"service": name, "path": f"/v1/contacts/{id}/personal-data", "holds": held} for name, held in ELSEWHERE
    ]
    held_here = everything_about(database(), contact)
    response = jsonify(Export().dump({"at": utc_now(), "elsewhere": elsewhere, **held_here}))
    response.headers["Content-Disposition"] = 'attachment; filename="personal-data.json"'
    return response

"""/v1/contacts"""

from typing import Any

from services.enrolment.contacts import commands
from services.enrolment.contacts.imports import import_contacts
from services.enrolment.contacts.schemas import Contact, ContactInput, ContactQuery
from services.enrolment.contacts.store import CONTACTS
from shared.http.calls import if_match, once, request_cause, required_match
from shared.http.media import takes_media
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page, search_query
from shared.schemas import MergePatch
from shared.tables import TABLE_TYPES, DryRunQuery, ImportResult, read_table


def routes(db: Database) -> Routes:
    """The contacts' part of the service's HTTP interface."""
    blueprint = Routes("contacts", __name__, url_prefix="/v1", description="People in the organisations")

    @blueprint.route("/contacts", methods=["POST"])
    @blueprint.takes(ContactInput)
    @blueprint.answers(Contact, 201)
    def create_contact(body: dict[str, Any]) -> Document:
        """Add a contact"""
        return commands.create_contact(db, request_cause(), body, once=once())

    @blueprint.route("/contacts", methods=["GET"])
    @blueprint.query(ContactQuery)
    @blueprint.lists(Contact)
    def list_contacts(query: dict[str, Any]) -> Page:
        """List contacts"""
        filters: Document = {name: query[name] for name in ("organisation_id", "role", "language") if name in query}
        conditions = {**filters, **search_query(query["q"])}
        return page(db, CONTACTS.collection, conditions, limit=query["limit"], cursor=query["cursor"])

    @blueprint.route("/contacts/<id>", methods=["GET"])
    @blueprint.answers(Contact)
    def get_contact(id: str) -> Document:
        """Show a contact"""
        return load_one(db, CONTACTS, id)

    @blueprint.route("/contacts/<id>", methods=["PATCH"])
    @blueprint.takes(MergePatch)
    @blueprint.answers(Contact)
    def change_contact(body: dict[str, Any], id: str) -> Document:
        """Change a contact (JSON merge patch; needs If-Match)"""
        return commands.change_contact(db, request_cause(), id, body, if_match=required_match(if_match()))

    @blueprint.route("/contacts/import", methods=["POST"])
    @takes_media(*TABLE_TYPES)
    @blueprint.query(DryRunQuery)
    @blueprint.response(200, ImportResult)
    def import_table(query: dict[str, Any]) -> Document:
        """Add and update contacts from a CSV or XLSX table"""
        return import_contacts(db, request_cause(), read_table(), dry_run=query["dry_run"], once=once())

    add_history(blueprint, "/contacts/<id>/history", db, CONTACTS)
    return blueprint

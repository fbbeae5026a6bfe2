"""/v1/contacts"""

from dataclasses import replace
from typing import Any, cast

from flask import Response, redirect
from marshmallow import fields

from services.enrolment.contacts import commands
from services.enrolment.contacts.imports import COLUMNS, import_contacts
from services.enrolment.contacts.schemas import AddedContact, Contact, ContactImportResult, ContactInput, ContactQuery
from services.enrolment.contacts.store import CONTACTS, named_in
from services.enrolment.correcting_routes import add_bulk, add_delete, add_revert
from services.enrolment.exporting import contact_rows, export, export_query
from services.enrolment.importing import ImportQuery
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.persons.deleting import delete_contact
from services.enrolment.reading import names_columns, read_table
from shared.http.calls import database, run
from shared.http.listing import Expansion, Listing, Sort
from shared.http.media import gives_media, takes_media
from shared.http.resource_routes import PastQuery, ResourceRoutes, as_it_was
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.tables import CSV, TABLE_TYPES, XLSX

routes = Routes("contacts", __name__, url_prefix="/v1", description="People in the organisations")

contacts = ResourceRoutes(routes=routes, path="/contacts", aggregate=CONTACTS, shown=Contact)
added = replace(contacts, shown=AddedContact)
added.create(ContactInput, commands.create_contact, "Add a contact")
LIST: dict[str, Any] = {
    "where": {"merged_into": None},
    "filters": ["organisation_id", "role", "language", "legal_basis"],
    "conditions": {
        "season_id": lambda season: {"_id": {"$in": named_in(database(), season)}},
        "tag": lambda tag: {"tags": tag},
    },
    "sorts": {"family_name": Sort("family_name", as_text=True)},
    "expand": {"organisation": Expansion("organisation_id", ORGANISATIONS)},
    "counts": ["organisation_id", "role", "language", "tags", "legal_basis"],
}
contacts.list(ContactQuery, "List contacts", **LIST)
contacts.change(ContactInput, commands.change_contact)
contacts.history()
add_delete(contacts, delete_contact)
add_revert(contacts, ContactInput, commands.change_contact)
add_bulk(contacts, ContactInput, commands.create_contact, commands.change_contact)


@routes.get("/contacts/<id>")
@routes.query(PastQuery)
@routes.answers(Contact)
def show_contact(query: dict[str, Any], id: str) -> Document | Response:
    """Show a contact; 308 leads on from a merged one"""
    if query:
        return as_it_was(database(), CONTACTS, id, **query)
    contact = load_one(database(), CONTACTS, id)
    if contact.get("merged_into"):
        return cast(Response, redirect(f"/v1/contacts/{contact['merged_into']}", 308))
    return contact


@routes.post("/contacts/import")
@takes_media(*TABLE_TYPES)
@routes.query(ImportQuery)
@routes.response(200, ContactImportResult)
@names_columns(COLUMNS)
def import_contact_table(query: dict[str, Any]) -> Document:
    """Add and update contacts from a CSV or XLSX table"""
    options = {"dry_run": query["dry_run"], "show_rows": query["rows"], "file": query.get("file")}
    return run(import_contacts, read_table(COLUMNS), **options)


LISTING = Listing(aggregate=CONTACTS, shown=Contact, **LIST)


@routes.get("/contacts/export")
@gives_media(CSV, XLSX)
@routes.query(export_query(ContactQuery, LISTING))
@routes.response(200, fields.String(), content_type=CSV)
def export_contacts(query: dict[str, Any]) -> Response:
    """Give a table with the columns of the import: to be edited and imported again"""
    return export(LISTING, COLUMNS, query, contact_rows)

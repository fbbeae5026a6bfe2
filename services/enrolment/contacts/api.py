"""/v1/contacts"""

from typing import Any

from services.enrolment.contacts import commands
from services.enrolment.contacts.imports import COLUMNS, import_contacts
from services.enrolment.contacts.schemas import Contact, ContactInput, ContactQuery
from services.enrolment.contacts.store import CONTACTS
from services.enrolment.importing import ImportQuery, ImportResult
from services.enrolment.organisations.store import ORGANISATIONS
from shared.http.calls import run
from shared.http.listing import Expansion, Sort
from shared.http.media import takes_media
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.tables import TABLE_TYPES
from shared.tables.reading import read_table

routes = Routes("contacts", __name__, url_prefix="/v1", description="People in the organisations")

contacts = ResourceRoutes(routes=routes, path="/contacts", aggregate=CONTACTS, shown=Contact)
contacts.create(ContactInput, commands.create_contact, "Add a contact")
contacts.list(
    ContactQuery,
    "List contacts",
    filters=["organisation_id", "role", "language"],
    sorts={"family_name": Sort("family_name", as_text=True)},
    expand={"organisation": Expansion("organisation_id", ORGANISATIONS)},
    counts=["organisation_id", "role", "language"],
)
contacts.show("Show a contact")
contacts.change(ContactInput, commands.change_contact)
contacts.history()


@routes.post("/contacts/import")
@takes_media(*TABLE_TYPES)
@routes.query(ImportQuery)
@routes.response(200, ImportResult)
def import_contact_table(query: dict[str, Any]) -> Document:
    """Add and update contacts from a CSV or XLSX table"""
    return run(import_contacts, read_table(COLUMNS), dry_run=query["dry_run"], show_rows=query["rows"])

"""/v1/organisations"""

from typing import Any

from services.enrolment.importing import ImportQuery, ImportResult
from services.enrolment.organisations import commands
from services.enrolment.organisations.imports import COLUMNS, import_organisations
from services.enrolment.organisations.schemas import Organisation, OrganisationInput, OrganisationQuery
from services.enrolment.organisations.store import ORGANISATIONS
from shared.http.calls import run
from shared.http.listing import Sort
from shared.http.media import takes_media
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.tables import TABLE_TYPES
from shared.tables.reading import read_table

routes = Routes("organisations", __name__, url_prefix="/v1", description="Municipalities and other bodies")

organisations = ResourceRoutes(routes=routes, path="/organisations", aggregate=ORGANISATIONS, shown=Organisation)
organisations.create(OrganisationInput, commands.create_organisation, "Add an organisation")
organisations.list(
    OrganisationQuery,
    "List organisations",
    filters=["kind", "municipality_code"],
    sorts={"name": Sort("sort_name", as_text=True), "population": Sort("population")},
    counts=["kind", "languages"],
)
organisations.show("Show an organisation")
organisations.change(OrganisationInput, commands.change_organisation)
organisations.history()


@routes.post("/organisations/import")
@takes_media(*TABLE_TYPES)
@routes.query(ImportQuery)
@routes.response(200, ImportResult)
def import_organisation_table(query: dict[str, Any]) -> Document:
    """Add and update organisations from a CSV or XLSX table"""
    return run(import_organisations, read_table(COLUMNS), dry_run=query["dry_run"], show_rows=query["rows"])

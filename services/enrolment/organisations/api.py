"""/v1/organisations"""

from typing import Any

from flask import Response
from marshmallow import fields

from services.enrolment.correcting_routes import add_bulk, add_delete, add_revert
from services.enrolment.exporting import export, export_query, organisation_rows
from services.enrolment.importing import ImportQuery, ImportResult
from services.enrolment.organisations import commands
from services.enrolment.organisations.imports import COLUMNS, LISTS, TEXTS, import_organisations
from services.enrolment.organisations.schemas import Organisation, OrganisationInput, OrganisationQuery
from services.enrolment.organisations.store import ORGANISATIONS, enrolled_in, named_in_any_language
from services.enrolment.reading import names_columns, read_table
from shared.http.calls import database, run
from shared.http.listing import Listing, Sort
from shared.http.media import gives_media, takes_media
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.tables import CSV, TABLE_TYPES, XLSX

routes = Routes("organisations", __name__, url_prefix="/v1", description="Municipalities and other bodies")

organisations = ResourceRoutes(routes=routes, path="/organisations", aggregate=ORGANISATIONS, shown=Organisation)
organisations.create(OrganisationInput, commands.create_organisation, "Add an organisation")
LIST: dict[str, Any] = {
    "filters": ["kind", "municipality_code"],
    "conditions": {
        "region": lambda name: named_in_any_language("region", name),
        "wellbeing_county": lambda name: named_in_any_language("wellbeing_county", name),
        "language": lambda language: {"languages": language},
        "population_min": lambda least: {"population": {"$gte": least}},
        "population_max": lambda most: {"population": {"$lte": most}},
        "season_id": lambda season: {"_id": {"$in": enrolled_in(database(), season)}},
        "tag": lambda tag: {"tags": tag},
    },
    "sorts": {"name": Sort("sort_name", as_text=True), "population": Sort("population")},
    "counts": ["kind", "languages", "tags"],
}
organisations.list(OrganisationQuery, "List organisations", **LIST)
organisations.show("Show an organisation")
organisations.change(OrganisationInput, commands.change_organisation)
organisations.history()
add_delete(organisations)
add_revert(organisations, OrganisationInput, commands.change_organisation)
add_bulk(organisations, OrganisationInput, commands.create_organisation, commands.change_organisation)


@routes.post("/organisations/import")
@takes_media(*TABLE_TYPES)
@routes.query(ImportQuery)
@routes.response(200, ImportResult)
@names_columns(COLUMNS)
def import_organisation_table(query: dict[str, Any]) -> Document:
    """Add and update organisations from a CSV or XLSX table"""
    options = {"dry_run": query["dry_run"], "show_rows": query["rows"], "file": query.get("file")}
    return run(import_organisations, read_table(COLUMNS), **options)


LISTING = Listing(aggregate=ORGANISATIONS, shown=Organisation, **LIST)


@routes.get("/organisations/export")
@gives_media(CSV, XLSX)
@routes.query(export_query(OrganisationQuery, LISTING))
@routes.response(200, fields.String(), content_type=CSV)
def export_organisations(query: dict[str, Any]) -> Response:
    """Give a table with the columns of the import: to be edited and imported again"""
    return export(LISTING, COLUMNS, query, lambda found: organisation_rows(found, LISTS, TEXTS))

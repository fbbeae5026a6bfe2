"""/v1/organisations"""

from typing import Any

from services.enrolment.importing import ImportQuery, ImportResult
from services.enrolment.organisations import commands
from services.enrolment.organisations.imports import COLUMNS, import_organisations
from services.enrolment.organisations.schemas import Organisation, OrganisationInput, OrganisationQuery
from services.enrolment.organisations.store import ORGANISATIONS, enrolled_in, named_in_any_language
from services.enrolment.reading import read_table
from shared.http.calls import database, run
from shared.http.listing import Sort
from shared.http.media import takes_media
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes
from shared.mongo.aggregates import Document
from shared.tables import TABLE_TYPES

routes = Routes("organisations", __name__, url_prefix="/v1", description="Municipalities and other bodies")

organisations = ResourceRoutes(routes=routes, path="/organisations", aggregate=ORGANISATIONS, shown=Organisation)
organisations.create(OrganisationInput, commands.create_organisation, "Add an organisation")
organisations.list(
    OrganisationQuery,
    "List organisations",
    filters=["kind", "municipality_code"],
    conditions={
        "region": lambda name: named_in_any_language("region", name),
        "wellbeing_county": lambda name: named_in_any_language("wellbeing_county", name),
        "language": lambda language: {"languages": language},
        "population_min": lambda least: {"population": {"$gte": least}},
        "population_max": lambda most: {"population": {"$lte": most}},
        "season_id": lambda season: {"_id": {"$in": enrolled_in(database(), season)}},
        "tag": lambda tag: {"tags": tag},
    },
    sorts={"name": Sort("sort_name", as_text=True), "population": Sort("population")},
    counts=["kind", "languages", "tags"],
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

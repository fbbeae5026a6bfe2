"""/v1/organisations"""

from typing import Any

from services.enrolment.organisations import commands
from services.enrolment.organisations.imports import ImportResult, import_organisations
from services.enrolment.organisations.schemas import Organisation, OrganisationInput, OrganisationQuery
from services.enrolment.organisations.store import ORGANISATIONS
from shared.http.calls import if_match, once, request_cause, required_match
from shared.http.media import takes_media
from shared.http.resource_routes import add_history
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page, search_query
from shared.schemas import MergePatch
from shared.tables import TABLE_TYPES, DryRunQuery, read_table


def routes(db: Database) -> Routes:
    """The organisations' part of the service's HTTP interface."""
    blueprint = Routes("organisations", __name__, url_prefix="/v1", description="Municipalities and other bodies")

    @blueprint.route("/organisations", methods=["POST"])
    @blueprint.takes(OrganisationInput)
    @blueprint.answers(Organisation, 201)
    def create_organisation(body: dict[str, Any]) -> Document:
        """Add an organisation"""
        return commands.create_organisation(db, request_cause(), body, once=once())

    @blueprint.route("/organisations", methods=["GET"])
    @blueprint.query(OrganisationQuery)
    @blueprint.lists(Organisation)
    def list_organisations(query: dict[str, Any]) -> Page:
        """List organisations"""
        filters: Document = {name: query[name] for name in ("kind", "municipality_code") if name in query}
        return page(
            db,
            ORGANISATIONS.collection,
            {**filters, **search_query(query["q"])},
            limit=query["limit"],
            cursor=query["cursor"],
        )

    @blueprint.route("/organisations/<id>", methods=["GET"])
    @blueprint.answers(Organisation)
    def get_organisation(id: str) -> Document:
        """Show an organisation"""
        return load_one(db, ORGANISATIONS, id)

    @blueprint.route("/organisations/<id>", methods=["PATCH"])
    @blueprint.takes(MergePatch)
    @blueprint.answers(Organisation)
    def change_organisation(body: dict[str, Any], id: str) -> Document:
        """Change an organisation (JSON merge patch; needs If-Match)"""
        return commands.change_organisation(db, request_cause(), id, body, if_match=required_match(if_match()))

    @blueprint.route("/organisations/import", methods=["POST"])
    @takes_media(*TABLE_TYPES)
    @blueprint.query(DryRunQuery)
    @blueprint.response(200, ImportResult)
    def import_table(query: dict[str, Any]) -> Document:
        """Add and update organisations from a CSV or XLSX table"""
        return import_organisations(db, request_cause(), read_table(), dry_run=query["dry_run"], once=once())

    add_history(blueprint, "/organisations/<id>/history", db, ORGANISATIONS)
    return blueprint

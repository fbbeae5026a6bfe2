"""/v1/seasons/{id}/report"""

from typing import Any

from flask import Response, jsonify, request

from services.enrolment.reports.schemas import COLUMNS, ReportQuery, SeasonReport
from services.enrolment.reports.season_report import season_report
from services.enrolment.seasons.store import SEASONS
from shared.http.calls import database
from shared.http.downloads import table_answer
from shared.http.listing import JSON
from shared.http.media import gives_media
from shared.http.routes import Routes, load_one
from shared.tables import CSV, XLSX

routes = Routes("reports", __name__, url_prefix="/v1", description="What a season has come to")
FORMATS = {JSON: "json", CSV: "csv", XLSX: "xlsx"}


@routes.get("/seasons/<id>/report")
@gives_media(JSON, CSV, XLSX)
@routes.query(ReportQuery)
@routes.response(200, SeasonReport)
def show_report(query: dict[str, Any], id: str) -> Response:
    """Show each organisation's part in the season, and totals by region; as a table the rows alone"""
    season = load_one(database(), SEASONS, id)
    report = season_report(database(), season)
    format = query.get("format") or FORMATS[request.accept_mimetypes.best_match(list(FORMATS), default=JSON)]
    if format == "json":
        return jsonify(SeasonReport().dump(report))
    options = {"separator": query["separator"]} if "separator" in query else {}
    return table_answer(COLUMNS, report["rows"], name=f"season-{season['number']}", format=format, **options)

"""/v1/events/{id}/registrations.csv"""

from typing import Any

from flask import Response
from marshmallow import fields

from services.events.door_list.rows import COLUMNS, door_list
from services.events.events.store import EVENTS
from shared.http.calls import database, the
from shared.http.downloads import table_answer
from shared.http.media import gives_media
from shared.http.routes import Routes, load_one
from shared.schemas import Strict, one_of
from shared.secrets import Secrets
from shared.tables import CSV, XLSX


class TableQuery(Strict):
    format = one_of("csv", "xlsx", load_default=None)
    separator = one_of(",", ";", load_default=",", metadata={"description": "`;` opens in columns in Finnish Excel"})


routes = Routes("door_list", __name__, url_prefix="/v1", description="Who comes to which event, as a table")


@routes.get("/events/<id>/registrations.csv")
@gives_media(CSV, XLSX)
@routes.query(TableQuery)
@routes.response(200, fields.String(), content_type=CSV)
def list_for_the_door(query: dict[str, Any], id: str) -> Response:
    """The list for the door, as CSV or XLSX"""
    load_one(database(), EVENTS, id)
    rows = door_list(database(), the(Secrets), id)
    return table_answer(COLUMNS, rows, name="registrations", format=query["format"], separator=query["separator"])

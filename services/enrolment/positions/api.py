"""/v1/contacts/{id}/positions and /v1/positions/end"""

from typing import Any

from services.enrolment.contacts.schemas import Contact
from services.enrolment.contacts.store import CONTACTS, ContactDocument
from services.enrolment.positions import commands
from services.enrolment.positions.domain import positions_of
from services.enrolment.positions.schemas import Ended, EndInput, EndQuery, PositionInput, Positions
from shared.http.auth import needs
from shared.http.calls import database, run
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.schemas import patch_of

routes = Routes("positions", __name__, url_prefix="/v1", description="Who is what, where, from when until when")


@routes.get("/contacts/<id>/positions")
@routes.response(200, Positions)
def list_positions(id: str) -> Document:
    """List a contact's positions, past and future ones too"""
    return {"items": positions_of(load_one(database(), CONTACTS, id))}


@routes.post("/contacts/<id>/positions")
@needs("coordinator")
@routes.takes(PositionInput)
@routes.answers(Contact, 201)
def add_position(body: dict[str, Any], id: str) -> ContactDocument:
    """Add a position; the answer is the contact as it is today"""
    return run(commands.add_position, id, body)


@routes.patch("/contacts/<id>/positions/<position_id>")
@needs("coordinator")
@routes.takes(patch_of(PositionInput))
@routes.answers(Contact)
def change_position(body: dict[str, Any], id: str, position_id: str) -> ContactDocument:
    """Change a position (JSON merge patch; needs If-Match with the contact's version)"""
    return run(commands.change_position, id, position_id, body)


@routes.post("/positions/end")
@needs("manager")
@routes.query(EndQuery)
@routes.takes(EndInput)
@routes.response(200, Ended)
def end_positions(query: dict[str, Any], body: dict[str, Any]) -> Document:
    """End many positions on one day, as when all councils change"""
    return run(commands.end_positions, **body, dry_run=query["dry_run"])

"""/public/doors/{token}: the check-in page, with the phone's camera where there is one, and a list to tap"""

from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Response, request
from marshmallow import Schema, fields, validate
from werkzeug.wrappers import Response as AnyResponse

from services.events.attendance.api import CheckInsInput, Outcomes, scans_in
from services.events.attendance.commands import check_in
from services.events.door_list.rows import named_rows
from services.events.events.store import EVENTS
from services.events.public.links import READING, WRITING
from services.events.registrations import commands
from services.events.registrations.store import REGISTRATIONS
from shared.errors import NotFound
from shared.http.auth import open_to_all
from shared.http.calls import database, run, the
from shared.http.limits import limited
from shared.http.media import gives_media
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.contention import in_turn
from shared.pages.blueprint import errors_in
from shared.pages.forms import form, page
from shared.pages.rendering import render, see
from shared.schemas import Id, Strict, one_of
from shared.search import matches, search_words
from shared.secrets import Secrets

DOOR_LINK = "doors"
SCRIPT = (Path(__file__).parent / "static" / "door.js").read_bytes()
SCRIPT_VERSION = sha256(SCRIPT).hexdigest()[:12]
JAVASCRIPT = "text/javascript"
# What fits a phone; a longer list is searched by name.
MOST_SHOWN = 200

routes = Routes("doors", __name__, url_prefix="/public", description="The page for the people at the door")


class DoorQuery(Strict):
    q = fields.String(load_default="", validate=validate.Length(max=100))


class PersonAtTheDoor(Schema):
    registration_id = fields.String(required=True)
    family_name = fields.String(required=True)
    given_name = fields.String(required=True)
    organisation = fields.String(required=True)
    state = fields.String(required=True)


class Door(Schema):
    """The people who come, by name, 200 at most; `q` finds the others."""

    title = fields.Dict(required=True)
    people = fields.List(fields.Nested(PersonAtTheDoor), required=True)
    more = fields.Boolean(required=True, metadata={"description": "there are more people: search by name"})


class DoorStep(Strict):
    registration_id = Id(required=True)
    to = one_of("attended", "confirmed", required=True)


def door_page(door: Document, *, token: str, problem: Document | None = None) -> Response:
    """The list to tap; the page's script adds the camera, and keeps what is tapped while there is no network."""
    return render(
        "public/door.html",
        scripts=True,
        door=door,
        token=token,
        q=request.args.get("q", ""),
        script_version=SCRIPT_VERSION,
        errors=errors_in(problem) if problem else {},
    )


def _again(problem: Document, *, token: str) -> Response:
    return door_page(_door(token, ""), token=token, problem=problem)


def _done(_: object, *, token: str) -> AnyResponse:
    return see("doors.show_door", token=token, q=request.args.get("q") or None)


@routes.get("/doors/<token>")
@open_to_all
@limited(READING)
@routes.query(DoorQuery)
@routes.response(200, Door)
@page(door_page)
def show_door(query: dict[str, Any], token: str) -> Document:
    """Show who comes to the event, for the people at the door"""
    return _door(token, query["q"])


@routes.post("/doors/<token>")
@open_to_all
@limited(WRITING)
@form(again=_again)
@routes.takes(DoorStep)
@routes.response(200, Door)
@page(_done)
def tap(body: dict[str, Any], token: str) -> Document:
    """Note that somebody came, or take it back"""
    event_id = the(Secrets).unsign(DOOR_LINK, token)
    registration = load_one(database(), REGISTRATIONS, body["registration_id"])
    if registration["event_id"] != event_id:
        raise NotFound("registration", body["registration_id"])
    step = partial(commands.move_registration, to=body["to"], reason=None)
    in_turn(event_id, partial(run, step, registration["_id"]))
    return _door(token, "")


@routes.post("/doors/<token>/check-ins")
@open_to_all
@limited(WRITING)
@routes.takes(CheckInsInput)
@routes.response(200, Outcomes)
def take_scans(body: dict[str, Any], token: str) -> Document:
    """Count scans, in any order and any number of times: each once, by its id"""
    event_id = the(Secrets).unsign(DOOR_LINK, token)
    load_one(database(), EVENTS, event_id)
    return {"check_ins": in_turn(event_id, partial(run, check_in, event_id, scans_in(body)))}


@routes.get("/assets/door.js")
@open_to_all
@gives_media(JAVASCRIPT)
@routes.response(200, fields.String(), content_type=JAVASCRIPT)
def show_script() -> Response:
    """The script of the check-in page"""
    response = Response(SCRIPT, content_type=f"{JAVASCRIPT}; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _door(token: str, q: str) -> Document:
    event = load_one(database(), EVENTS, the(Secrets).unsign(DOOR_LINK, token))
    rows = named_rows(database(), the(Secrets), event["_id"])
    if q.strip():
        rows = [row for row in rows if matches(search_words(row["given_name"], row["family_name"]), q)]
    return {"title": event["title"], "people": rows[:MOST_SHOWN], "more": len(rows) > MOST_SHOWN}

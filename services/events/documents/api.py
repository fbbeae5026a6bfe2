"""Certificates, name tags and codes for the door: /v1/registrations/{id}/certificate.pdf, /v1/events/{id}/badges.pdf"""

import io
from collections.abc import Mapping
from typing import Any

import segno
from flask import Response, current_app
from marshmallow import fields

from services.events.calendars.feeds import in_language
from services.events.documents.pdf import certificate, name_tags
from services.events.door_list.rows import named_rows
from services.events.events.store import EVENTS
from services.events.people.registrants import find_contact, person_of
from services.events.public.links import READING, REGISTRATION_LINK
from services.events.registrations.actions import check_certificate
from services.events.registrations.domain import SEATED
from services.events.registrations.store import REGISTRATIONS
from shared.http.auth import open_to_all
from shared.http.calls import database, the
from shared.http.limits import limited
from shared.http.media import gives_media
from shared.http.routes import Routes, load_one
from shared.local_time import when
from shared.mongo.aggregates import Document
from shared.pages.words import Words
from shared.schemas import LANGUAGES, Strict, one_of
from shared.secrets import Secrets

PDF, SVG = "application/pdf", "image/svg+xml"


class BadgesQuery(Strict):
    language = one_of(*LANGUAGES, load_default="fi")


routes = Routes("documents", __name__, url_prefix="/v1", description="Certificates and name tags")
public_routes = Routes("public_documents", __name__, url_prefix="/public", description="One's own documents")


@routes.get("/registrations/<id>/certificate.pdf")
@gives_media(PDF)
@routes.response(200, fields.String(), content_type=PDF)
def get_certificate(id: str) -> Response:
    """The certificate of a person who attended, in their language"""
    return _certificate(load_one(database(), REGISTRATIONS, id))


@routes.get("/events/<id>/badges.pdf")
@gives_media(PDF)
@routes.query(BadgesQuery)
@routes.response(200, fields.String(), content_type=PDF)
def get_badges(query: dict[str, Any], id: str) -> Response:
    """Name tags of all who have a seat, in the order of their names, ten on a sheet"""
    event = load_one(database(), EVENTS, id)
    people = [
        (f"{row['given_name']} {row['family_name']}", row["organisation"])
        for row in named_rows(database(), the(Secrets), id)
        if row["state"] in SEATED
    ]
    title = in_language(event["title"], query["language"])
    return Response(name_tags(query["language"], title, people), content_type=PDF)


@public_routes.get("/registrations/<token>/certificate.pdf")
@open_to_all
@limited(READING)
@gives_media(PDF)
@public_routes.response(200, fields.String(), content_type=PDF)
def get_own_certificate(token: str) -> Response:
    """One's own certificate of attendance"""
    return _certificate(load_one(database(), REGISTRATIONS, the(Secrets).unsign(REGISTRATION_LINK, token)))


@public_routes.get("/registrations/<token>/qr.svg")
@open_to_all
@limited(READING)
@gives_media(SVG)
@public_routes.response(200, fields.String(), content_type=SVG)
def get_own_code(token: str) -> Response:
    """The code that is shown at the door: the registration's id, which opens nothing to a person without a token"""
    registration = load_one(database(), REGISTRATIONS, the(Secrets).unsign(REGISTRATION_LINK, token))
    drawn = io.BytesIO()
    segno.make(registration["_id"], error="m", micro=False).save(drawn, kind="svg", scale=6, border=4, light="white")
    return Response(drawn.getvalue(), content_type=SVG)


def _certificate(registration: Mapping[str, Any]) -> Response:
    event = load_one(database(), EVENTS, registration["event_id"])
    check_certificate(registration, event)
    language = registration["language"]
    words: Words = current_app.extensions["pages"]
    said = {key: words.get(language, f"certificate.{key}") for key in ("title", "attended")}
    minutes = registration.get("minutes")
    facts = [
        when(event["starts_at"], event["ends_at"], event["timezone"], language),
        in_language(event.get("venue"), language),
        words.get(language, "certificate.minutes", minutes=minutes) if minutes else "",
    ]
    made = certificate(
        {**said, "site": words.get(language, "site.name"), "language": language},
        name=_name(registration),
        title=in_language(event["title"], language),
        facts=[fact for fact in facts if fact],
    )
    return Response(made, content_type=PDF, headers={"Content-Disposition": 'inline; filename="certificate.pdf"'})


def _name(registration: Mapping[str, Any]) -> str:
    person: Document = person_of(the(Secrets), dict(registration)) or {}
    if registration["contact_id"]:
        person = find_contact(database(), registration["contact_id"]) or {}
    return f"{person.get('given_name', '')} {person.get('family_name', '')}".strip()

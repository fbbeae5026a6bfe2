"""/public: for people without a token"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from services.events.events.store import BY_START, EVENTS, events_asked_for
from services.events.public.schemas import (
    PublicCancel,
    PublicEvent,
    PublicEventQuery,
    PublicRegistration,
    PublicRegistrationInput,
)
from services.events.registrations import commands
from services.events.registrations.domain import SEATED, check_may_cancel
from services.events.registrations.registrants import find_applicant
from services.events.registrations.store import REGISTRATIONS, with_positions
from shared.errors import Conflict, NotFound
from shared.http.auth import open_to_all
from shared.http.calls import once, request_cause
from shared.http.limits import Bucket, limited
from shared.http.routes import Routes, load_one
from shared.ids import utc_now
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page
from shared.secrets import LINK_GRACE, Secrets

LINK = "registrations"
"""What the links in e-mails are signed for."""

VISIBLE = ("published", "completed", "cancelled")


def routes(db: Database, secrets: Secrets) -> Routes:
    """What needs no token: public events, and one's own registration by its signed link."""
    blueprint = Routes("public", __name__, url_prefix="/public", description="For people without a token")
    reading, writing = Bucket(burst=120, per_second=2), Bucket(burst=60, per_second=1)

    @blueprint.route("/events", methods=["GET"])
    @open_to_all
    @limited(reading)
    @blueprint.query(PublicEventQuery)
    @blueprint.lists(PublicEvent)
    def list_public_events(query: dict[str, Any]) -> Page:
        """List the public events that are not over, the earliest first"""
        asked = events_asked_for({**query, "state": "published"})
        return page(
            db,
            EVENTS.collection,
            {**asked, "audience.open_to": "public", "ends_at": {"$gte": utc_now()}},
            limit=query["limit"],
            cursor=query["cursor"],
            sort=BY_START,
        )

    @blueprint.route("/events/<id>", methods=["GET"])
    @open_to_all
    @limited(reading)
    @blueprint.response(200, PublicEvent)
    def get_public_event(id: str) -> Document:
        """Show a public event"""
        return public_event(db, id)

    @blueprint.route("/events/<id>/registrations", methods=["POST"])
    @open_to_all
    @limited(writing)
    @blueprint.takes(PublicRegistrationInput)
    @blueprint.response(201, PublicRegistration)
    def register_oneself(body: dict[str, Any], id: str) -> Document:
        """Register for a public event"""
        public_event(db, id)
        with names_nobody():
            registration = commands.register(db, request_cause(), id, find_applicant(db, secrets, body), once=once())
        return _own(db, secrets, registration)

    @blueprint.route("/registrations/<token>", methods=["GET"])
    @open_to_all
    @limited(reading)
    @blueprint.response(200, PublicRegistration)
    def get_own_registration(token: str) -> Document:
        """Show one's own registration"""
        registration = load_one(db, REGISTRATIONS, secrets.unsign(LINK, token))
        return _own(db, secrets, with_positions(db, [registration])[0])

    @blueprint.route("/registrations/<token>", methods=["POST"])
    @open_to_all
    @limited(writing)
    @blueprint.takes(PublicCancel)
    @blueprint.response(200, PublicRegistration)
    def cancel_own_registration(body: dict[str, Any], token: str) -> Document:
        """Cancel one's own registration"""
        identifier = secrets.unsign(LINK, token)
        registration = load_one(db, REGISTRATIONS, identifier)
        check_may_cancel(load_one(db, EVENTS, registration["event_id"]), utc_now())
        cancelled = commands.move_registration(
            db, request_cause(), identifier, to=body["to"], reason=None, if_match=None, once=once()
        )
        return _own(db, secrets, cancelled)

    return blueprint


@contextmanager
def names_nobody() -> Iterator[None]:
    """Takes the id of the other registration out of a Conflict: it is for staff only."""
    try:
        yield
    except Conflict as error:
        error.members.pop("existing_id", None)
        raise


def public_event(db: Database, identifier: str) -> Document:
    """An event that the public may see. Raises NotFound for all others."""
    event = load_one(db, EVENTS, identifier)
    if event["state"] not in VISIBLE or event["audience"]["open_to"] != "public":
        raise NotFound("event", identifier)
    return event


def _own(db: Database, secrets: Secrets, registration: Document) -> Document:
    event = load_one(db, EVENTS, registration["event_id"])
    return {
        "state": registration["state"],
        "position": registration["position"],
        "token": secrets.sign(LINK, registration["_id"], expires_at=event["ends_at"] + LINK_GRACE),
        "event": event,
        "online_url": event.get("online_url") if registration["state"] in SEATED else None,
    }

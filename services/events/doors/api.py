"""/v1/events/{id}/door-links: an address for the people at the door, who have no account"""

from datetime import timedelta

from marshmallow import Schema, fields

from services.events.doors.public import DOOR_LINK
from services.events.events.store import EVENTS
from shared.http.calls import database, the
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.schemas import Instant
from shared.secrets import Secrets
from shared.settings import Settings

# A door that was offline sends its scans on the evening or the next morning.
KEPT_AFTER_THE_END = timedelta(hours=24)


class DoorLink(Schema):
    """Whoever has the address sees who comes, and notes who came."""

    url = fields.String(required=True)
    expires_at = Instant(required=True)


routes = Routes("door_links", __name__, url_prefix="/v1", description="The page for the people at the door")


@routes.post("/events/<id>/door-links")
@routes.response(200, DoorLink)
def make_door_link(id: str) -> Document:
    """Make the address of the event's check-in page; it ends a day after the event"""
    event = load_one(database(), EVENTS, id)
    expires_at = event["ends_at"] + KEPT_AFTER_THE_END
    token = the(Secrets).sign(DOOR_LINK, id, expires_at=expires_at)
    base = the(Settings).public_url_events.rstrip("/")
    return {"url": f"{base}/public/doors/{token}", "expires_at": expires_at}

"""/v1/announcements"""

from typing import Any

from services.notifications.announcements import commands
from services.notifications.announcements.progress import progress_of
from services.notifications.announcements.recipients import recipients_of
from services.notifications.announcements.schemas import (
    AnnouncementInput,
    AnnouncementQuery,
    AnnouncementWithText,
    Progress,
    Recipient,
    RecipientsQuery,
    TestInput,
    TestSent,
)
from services.notifications.announcements.store import ANNOUNCEMENTS
from services.notifications.settings import RecipientSettings
from shared.http.auth import needs
from shared.http.calls import database, run, the
from shared.http.resource_routes import ResourceRoutes
from shared.http.routes import Routes, load_one
from shared.mongo.aggregates import Document
from shared.mongo.paging import Page
from shared.secrets import Secrets

routes = Routes("announcements", __name__, url_prefix="/v1", description="E-mails to many, and to whom they went")

announcements = ResourceRoutes(
    routes=routes, path="/announcements", aggregate=ANNOUNCEMENTS, shown=AnnouncementWithText
)
announcements.create(AnnouncementInput, commands.create_announcement, "Draft an announcement")
announcements.list(AnnouncementQuery, "List announcements", filters=["state"])
announcements.show("Show an announcement")
announcements.change(AnnouncementInput, commands.change_announcement)
announcements.move(commands.move_announcement, "Schedule, send, pause, resume or cancel it", role="manager")
announcements.history()


@routes.get("/announcements/<id>/recipients")
@routes.query(RecipientsQuery)
@routes.lists(Recipient)
def list_recipients(query: dict[str, Any], id: str) -> Page:
    """List who would get it, in which language, and who would not, and why"""
    announcement = load_one(database(), ANNOUNCEMENTS, id)
    allowed = the(RecipientSettings).allow_list
    return recipients_of(database(), the(Secrets), allowed, announcement, limit=query["limit"], cursor=query["cursor"])


@routes.get("/announcements/<id>/progress")
@routes.response(200, Progress)
def show_progress(id: str) -> Document:
    """Show how far sending is, and when it will be done"""
    return progress_of(database(), load_one(database(), ANNOUNCEMENTS, id))


@routes.post("/announcements/<id>/test")
@needs("coordinator")
@routes.takes(TestInput)
@routes.response(202, TestSent)
def test_announcement(body: dict[str, Any], id: str) -> Document:
    """Send it to an address of your own"""
    sealed = the(Secrets).seal(body["email"])
    return run(commands.send_test, id, sealed_address=sealed, language=body.get("language"))

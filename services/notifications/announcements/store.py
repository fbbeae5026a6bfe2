"""The collections of announcements and of the progress of their sending."""

from datetime import datetime
from typing import Any, TypedDict

from pymongo import IndexModel

from services.notifications.announcements.domain import LIFECYCLE
from services.notifications.announcements.schemas import Announcement
from shared.messaging.changes import Change, Transition
from shared.mongo.aggregates import Aggregate


class AnnouncementDocument(TypedDict):
    _id: str
    version: int
    created_at: datetime
    updated_at: datetime
    state: str
    subject: dict[str, str]
    body: dict[str, str]
    reply_to: str | None
    segment: dict[str, Any]
    send_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    recipients: int | None


ANNOUNCEMENTS: Aggregate[AnnouncementDocument] = Aggregate(
    name="announcement",
    collection="announcements",
    source="/uso/notifications",
    topic="uso.notifications.announcements.v1",
    message_types={
        "announcement.created": Change,
        "announcement.updated": Change,
        "announcement.transitioned": Transition,
    },
    schema=Announcement,
    lifecycle=LIFECYCLE,
    indexes=[IndexModel([("state", 1), ("send_at", 1)], name="state")],
)
# A row for each announcement whose sending has begun: `after` is the id of the last person that has a delivery.
PROGRESS = "announcement_progress"

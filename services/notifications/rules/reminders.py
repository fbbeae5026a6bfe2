"""Reminders: made when they are due, from the projections at that moment."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import isodate
from pymongo import IndexModel, InsertOne

from services.notifications.deliveries.commands import add_deliveries
from services.notifications.deliveries.domain import Because, NewDelivery, dedup_key_for_reminder
from services.notifications.projections import EVENTS, REGISTRATIONS
from shared.cause import Cause, own_initiative
from shared.ids import new_id, utc_now
from shared.instants import instant_text
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

REMINDED = "reminded"
REMINDED_INDEXES = {REMINDED: [IndexModel("starts_at", name="ttl", expireAfterSeconds=7 * 24 * 3600)]}
BATCH = 500
TEMPLATE = "event_reminder"


def reminder_time(starts_at: datetime, duration: str, timezone: str) -> datetime:
    """The moment of the reminder. Whole days keep the time of day in the event's own time zone."""
    before = isodate.parse_duration(duration)
    whole_days = not isinstance(before, timedelta) or before % timedelta(days=1) == timedelta(0)
    local = starts_at.astimezone(ZoneInfo(timezone)) if whole_days else starts_at
    moment: datetime = local - before
    return moment.astimezone(starts_at.tzinfo)


def still_worth_it(due: datetime, starts_at: datetime, now: datetime) -> bool:
    """Whether a reminder that was due at `due` is still useful.

    It may be late by half of its lead, at most by a day, and never after the start. So it still goes out after an
    outage; but an event that was moved close does not repeat at once what the mail about its change said.
    """
    return due <= now < starts_at and now - due <= min((starts_at - due) / 2, timedelta(days=1))


def remind(db: Database) -> bool:
    """Makes the reminders that are due. Returns whether there were any."""
    now = utc_now()
    busy = False
    query = {"state": "published", "starts_at": {"$gt": now}}
    fields = {"starts_at": 1, "reminders": 1, "timezone": 1}
    for event in list(db[EVENTS.collection].find(query, fields)):
        for duration in event.get("reminders") or ():
            due = reminder_time(event["starts_at"], duration, event.get("timezone") or "UTC")
            if still_worth_it(due, event["starts_at"], now):
                busy = _remind_of(db, event, due) or busy
    return busy


def _remind_of(db: Database, event: Document, due: datetime) -> bool:
    starts_at = instant_text(event["starts_at"])
    mark = f"{event['_id']}:{instant_text(due)}:{starts_at}"
    if db[REMINDED].find_one({"_id": mark}, {"_id": 1}):
        return False
    last = ""
    while True:
        last = db.transact(
            lambda uow, last=last: _portion(uow, event, due, starts_at, mark, last),  # type: ignore[misc]
            cause=own_initiative(TEMPLATE),
        )
        if not last:
            return True


def _portion(uow: UnitOfWork, event: Document, due: datetime, starts_at: str, mark: str, after: str) -> str:
    """Makes a portion of an event's reminders. Returns the last registration's id, or "" after the last portion."""
    if uow.find_one(REMINDED, {"_id": mark}):
        return ""
    # A person who registered after the reminder was due has just read the same in the confirmation.
    query: dict[str, Any] = {"event_id": event["_id"], "state": "confirmed", "_id": {"$gt": after}}
    found = uow.find(REGISTRATIONS.collection, query, sort=[("_id", 1)], limit=BATCH)
    because = Because(rule=TEMPLATE, actor=TEMPLATE)
    cause = Cause(actor=TEMPLATE, correlation_id=new_id())
    add_deliveries(
        uow,
        [
            (
                cause,
                NewDelivery(
                    template=TEMPLATE,
                    because=because,
                    dedup_key=dedup_key_for_reminder(row["_id"], instant_text(due), starts_at),
                    contact_id=row.get("contact_id"),
                    language=row.get("language"),
                    event_id=event["_id"],
                    registration_id=row["_id"],
                    personalisation={"starts_at": starts_at},
                ),
            )
            for row in found
            if row.get("created_at") is None or row["created_at"] < due
        ],
    )
    if len(found) == BATCH:
        return str(found[-1]["_id"])
    uow.write(REMINDED, InsertOne({"_id": mark, "starts_at": event["starts_at"], "at": uow.now}))
    return ""

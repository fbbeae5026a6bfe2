"""What staff are told by mail: a digest of new registrations and overdue tasks, or each overdue task by itself."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pymongo import UpdateOne

from services.notifications.deliveries.commands import add_deliveries
from services.notifications.deliveries.domain import Because, NewDelivery
from services.notifications.projections import ENROLMENTS, EVENTS, ORGANISATIONS, REGISTRATIONS, TASKS
from services.notifications.staff.rhythm import next_digest_at
from services.notifications.staff.store import STAFF
from services.notifications.templates.defaults import in_language
from services.notifications.templates.words import ABOUT, TASK
from shared.cause import own_initiative
from shared.ids import utc_now
from shared.local_time import HOME_ZONE, day
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

# What a person reads in one mail; the rest stands in the lists.
MOST_LINES = 50
PORTION = 100
# Longer overdue than this, nobody is told any more: the service may be new, and the tasks old.
TOLD_WITHIN = timedelta(days=7)


def send_digests(db: Database) -> bool:
    """Makes the digests that are due; tells whether there may be more."""
    due = {"digest": {"$in": ["daily", "weekly"]}, "next_digest_at": {"$lte": utc_now()}}
    rows = list(db[STAFF.collection].find(due, {"_id": 1}).limit(PORTION))
    for row in rows:
        db.transact(lambda uow, row=row: _digest(uow, row["_id"]), cause=own_initiative("digest"))  # type: ignore[misc]
    return len(rows) == PORTION


def _digest(uow: UnitOfWork, staff_id: str) -> None:
    """The digest of one member of staff; two workers at once meet a write conflict, and the second finds it made."""
    member = uow.find_one(STAFF.collection, {"_id": staff_id, "next_digest_at": {"$lte": uow.now}})
    if member is None:
        return
    lines = {
        "registrations": _new_registrations(uow, member),
        "tasks": [_line(uow, task, member["language"]) for task in _overdue(uow, member)],
    }
    if any(lines.values()):
        dedup_key = f"digest:{staff_id}:{member['next_digest_at'].isoformat()}"
        add_deliveries(uow, [(uow.cause, _to(member, "digest", dedup_key, {"digest": lines}))])
    later = {"told_until": uow.now, "next_digest_at": next_digest_at(member["digest"], uow.now)}
    uow.write(STAFF.collection, UpdateOne({"_id": staff_id}, {"$set": later}))


def tell_overdue_tasks(db: Database) -> bool:
    """Tells of each task that has become overdue, once, to those who get no digest; all of them at each call."""
    now = utc_now()
    members = {row["sub"]: row for row in db[STAFF.collection].find({"digest": "off", "email": {"$ne": None}})}
    after: str | None = "" if members else None
    while after is not None:
        after = db.transact(
            lambda uow, after=after: _tell_some(uow, members, now, after),  # type: ignore[misc]
            cause=own_initiative("task_overdue"),
        )
    return False


def _tell_some(uow: UnitOfWork, members: Mapping[str, Document], now: datetime, after: str) -> str | None:
    """The next portion; the id of its last task, or None when it was the last one."""
    due_on = {"$gte": _day_of(now - TOLD_WITHIN), "$lt": _day_of(now)}
    query = {"assignee": {"$in": list(members)}, "state": "open", "due_on": due_on, "_id": {"$gt": after}}
    tasks = uow.find(TASKS.collection, query, sort=[("_id", 1)], limit=PORTION)
    wanted = []
    for task in tasks:
        member = members[task["assignee"]]
        about = _about(uow, task, member["language"])
        told = {"title": about or TASK[member["language"]], "due_on": day(task["due_on"], member["language"])}
        dedup_key = f"task_overdue:{task['_id']}:{task['due_on']}:{member['_id']}"
        wanted.append((uow.cause, _to(member, "task_overdue", dedup_key, {"task": told})))
    add_deliveries(uow, wanted)
    return tasks[-1]["_id"] if len(tasks) == PORTION else None


def _to(member: Document, template: str, dedup_key: str, given: Mapping[str, Any]) -> NewDelivery:
    return NewDelivery(
        template=template,
        because=Because(rule=template, actor=template),
        dedup_key=dedup_key,
        language=member["language"],
        personalisation={"staff_id": member["_id"], **given},
    )


def _new_registrations(uow: UnitOfWork, member: Document) -> list[str]:
    """One line for each event that somebody registered for since the last digest."""
    new = {"created_at": {"$gt": member["told_until"], "$lte": uow.now}, "state": {"$ne": "cancelled"}}
    steps: list[Document] = [
        {"$match": new},
        {"$group": {"_id": "$event_id", "count": {"$sum": 1}}},
        {"$sort": {"count": -1, "_id": 1}},
        {"$limit": MOST_LINES},
    ]
    counts = {
        row["_id"]: row["count"] for row in uow.db[REGISTRATIONS.collection].aggregate(steps, session=uow.session)
    }
    events = uow.find(EVENTS.collection, {"_id": {"$in": list(counts)}}, projection={"title": 1})
    titles = {event["_id"]: in_language(event.get("title"), member["language"]) for event in events}
    return [f"{titles[event_id]}: {count}" for event_id, count in counts.items() if titles.get(event_id)]


def _overdue(uow: UnitOfWork, member: Document) -> list[Document]:
    query = {"assignee": member["sub"], "state": "open", "due_on": {"$lt": _day_of(uow.now)}}
    return uow.find(TASKS.collection, query, sort=[("due_on", 1)], limit=MOST_LINES)


def _line(uow: UnitOfWork, task: Document, language: str) -> str:
    """When it was due and what it is about: titles of tasks stay inside enrolment."""
    return f"{day(task['due_on'], language)}: {_about(uow, task, language) or TASK[language]}"


def _about(uow: UnitOfWork, task: Document, language: str) -> str:
    """What the task is about, without naming a person: a digest is kept for a while."""
    about = task.get("about") or {}
    identifier = {"_id": about.get("id")}
    kind = about.get("kind")
    if kind == "enrolment":
        enrolment = uow.find_one(ENROLMENTS.collection, identifier) or {}
        kind, identifier = "organisation", {"_id": enrolment.get("organisation_id")}
    if kind == "organisation":
        return in_language((uow.find_one(ORGANISATIONS.collection, identifier) or {}).get("name"), language)
    if kind == "event":
        return in_language((uow.find_one(EVENTS.collection, identifier) or {}).get("title"), language)
    return ABOUT.get(kind or "", {}).get(language, "")


def _day_of(now: datetime) -> str:
    return now.astimezone(ZoneInfo(HOME_ZONE)).date().isoformat()

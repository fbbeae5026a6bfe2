"""A timeline: the newest entries of each source merged, so that a page costs the same however long the past is.

Sources are the journal (what staff and rules changed here), notes, tasks, and the projections of registrations and
deliveries. They are read by the ids of the present: what was merged or moved is right at once.
"""

import base64
import heapq
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from services.enrolment.notes.store import NOTES
from services.enrolment.projections import DELIVERIES, EVENTS, REGISTRATIONS
from services.enrolment.tasks.store import TASKS
from services.enrolment.timeline.spans import Span, moment_of
from services.enrolment.timeline.texts import text_of
from shared.instants import instant_text, parse_instant
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL, change_in
from shared.mongo.paging import Page, wrong_cursor

KINDS = ("contact", "organisation", "enrolment", "workshop days", "note", "task", "registration", "delivery")
JOURNALED = frozenset({"contact", "organisation", "enrolment", "workshop days"})
# Entries of one instant that a page may have to leave out because they stood on the page before.
TIES = 50


@dataclass(frozen=True, kw_only=True)
class About:
    """Whose timeline it is: the ids whose changes, whose notes and tasks, and whose visits and mails belong to it."""

    journal: Sequence[str]
    noted: Sequence[str]
    people: Sequence[str] = ()
    organisation_id: str | None = None


def timeline(db: Database, about: About, span: Span, *, kinds: Sequence[str], limit: int, cursor: str | None) -> Page:
    """A page of entries, the newest first. Raises Invalid for a cursor that the list has not given."""
    if cursor:
        span = replace(span, below=_read(cursor))
    wanted = frozenset(kinds or KINDS)
    sources = [
        _newest(lambda size, read=read: read(db, about, span, size), wanted & of, span.below, limit)  # type: ignore[misc]
        for of, read in SOURCES
        if wanted & of
    ]
    found = list(islice(heapq.merge(*sources, key=_key, reverse=True), limit + 1))
    more = len(found) > limit
    return Page(items=found[:limit], next_cursor=_write(found[limit - 1]) if more else None)


def _newest(
    read: Callable[[int], list[Document]], kinds: Collection[str], below: tuple[datetime, str] | None, limit: int
) -> list[Document]:
    """The source's newest entries of these kinds below the last page, one more than a page has."""
    size = limit + TIES
    while True:
        rows = read(size)
        kept = [row for row in rows if row["kind"] in kinds and (below is None or _key(row) < below)]
        if len(kept) > limit or len(rows) < size:
            return sorted(kept, key=_key, reverse=True)
        size *= 4  # more entries of one instant than were expected: an announcement to a whole organisation, say


def _key(entry: Mapping[str, Any]) -> tuple[datetime, str]:
    return entry["at"], entry["id"]


def _changes(db: Database, about: About, span: Span, limit: int) -> list[Document]:
    """Rows of the journal by their ids, which hold the moment of the change: so each page begins in the index."""
    query = {"of": {"$in": list(about.journal)}, "kind": {"$in": list(JOURNALED)}, **span.ids()}
    return [_change(row) for row in db[JOURNAL].find(query).sort("_id", -1).limit(limit)]


def _change(row: Document) -> Document:
    kind = "workshop_days" if row["kind"] == "workshop days" else row["kind"]
    link = f"/v1/{kind}s/{row['of']}" if kind != "workshop_days" else f"/v1/enrolments/{row['of']}/workshop-days"
    text = text_of(kind, row["type"], to=change_in(row).get("to"))
    return {
        "id": row["_id"],
        "at": moment_of(row["_id"]),
        "kind": row["kind"],
        "text": text,
        "by": row["by"],
        "link": link,
    }


def _notes(db: Database, about: About, span: Span, limit: int) -> list[Document]:
    """Notes, each once, at the moment of its last change."""
    notes = _about(db, NOTES.collection, about, span, limit)
    return [_entry(note, "note", note["updated_at"], text_of("note", "note"), note["by"]) for note in notes]


def _tasks(db: Database, about: About, span: Span, limit: int) -> list[Document]:
    """Tasks, each once, at the moment of its last change."""
    tasks = _about(db, TASKS.collection, about, span, limit)
    return [_entry(task, "task", task["updated_at"], text_of("task", task["state"]), task["by"]) for task in tasks]


def _about(db: Database, collection: str, about: About, span: Span, limit: int) -> Iterable[Document]:
    query = {"about.id": {"$in": list(about.noted)}, **span.condition("updated_at", lambda moment: moment)}
    return db[collection].find(query).sort([("updated_at", -1), ("_id", -1)]).limit(limit)


def _visits(db: Database, about: About, span: Span, limit: int) -> list[Document]:
    whose: Document = {"contact_id": {"$in": list(about.people)}}
    if about.organisation_id:
        whose = {"organisation_id": about.organisation_id}
    query = {**whose, **span.condition("updated_at", instant_text), "erased": {"$ne": True}}
    rows = list(db[REGISTRATIONS.collection].find(query).sort([("updated_at", -1), ("_id", -1)]).limit(limit))
    ids = sorted({row["event_id"] for row in rows if row.get("event_id")})
    titles = {event["_id"]: event.get("title") for event in db[EVENTS.collection].find({"_id": {"$in": ids}})}
    return [
        _entry(row, "registration", at, text_of("registration", row["state"], title=titles.get(row["event_id"])), None)
        for row, at in _dated(rows)
    ]


def _mails(db: Database, about: About, span: Span, limit: int) -> list[Document]:
    query = {"contact_id": {"$in": list(about.people)}, **span.condition("updated_at", instant_text)}
    rows = db[DELIVERIES.collection].find(query).sort([("updated_at", -1), ("_id", -1)]).limit(limit)
    return [
        _entry(row, "delivery", at, text_of("delivery", "", template=f"{row['template']}, {row['state']}"), None)
        for row, at in _dated(rows)
    ]


def _dated(rows: Any) -> Iterator[tuple[Document, datetime]]:
    for row in rows:
        if row.get("updated_at"):
            yield row, parse_instant(row["updated_at"])


def _entry(row: Document, kind: str, at: datetime, text: Mapping[str, str], by: str | None) -> Document:
    plural = "deliveries" if kind == "delivery" else f"{kind}s"
    return {"id": row["_id"], "at": at, "kind": kind, "text": text, "by": by, "link": f"/v1/{plural}/{row['_id']}"}


# By the kinds of entries that each gives.
SOURCES = (
    (JOURNALED, _changes),
    (frozenset({"note"}), _notes),
    (frozenset({"task"}), _tasks),
    (frozenset({"registration"}), _visits),
    (frozenset({"delivery"}), _mails),
)


def _write(entry: Document) -> str:
    text = json.dumps([entry["at"].isoformat(), entry["id"]])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read(cursor: str) -> tuple[datetime, str]:
    try:
        at, identifier = json.loads(base64.urlsafe_b64decode(cursor))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not isinstance(identifier, str):
            raise ValueError("another list's cursor")
    except (ValueError, TypeError, RecursionError) as error:
        raise wrong_cursor() from error
    return moment, identifier

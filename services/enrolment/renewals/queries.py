"""How two seasons compare, and how one stands."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.enrolment.enrolments.domain import LIFECYCLE
from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.notes.store import NOTES
from services.enrolment.projections import DELIVERIES, REGISTRATIONS
from services.enrolment.renewals.domain import TAKES_PART, compared
from services.enrolment.seasons.store import SEASONS
from shared.instants import instant_text, parse_instant
from shared.mongo.aggregates import Document
from shared.mongo.database import Database

UNDER_WAY = ("inquiry", "negotiating", "enrolled", "active")


def comparison(db: Database, season: Mapping[str, Any], before: Mapping[str, Any]) -> Document:
    """Renewed, lost, new and returned organisations."""
    earlier = [row["_id"] for row in db[SEASONS.collection].find({"number": {"$lt": before["number"]}}, {"_id": 1})]
    taking_part = {"season_id": {"$in": earlier}, "state": {"$in": sorted(TAKES_PART)}}
    ever = db[ENROLMENTS.collection].distinct("organisation_id", taking_part)
    found = compared(_states(db, before["_id"]), _states(db, season["_id"]), ever)
    return {"from_season_id": before["_id"], **found}


def _states(db: Database, season_id: str) -> dict[str, str]:
    rows = db[ENROLMENTS.collection].find({"season_id": season_id}, {"organisation_id": 1, "state": 1})
    return {row["organisation_id"]: row["state"] for row in rows}


def pipeline(db: Database, season_id: str, *, quiet_days: int, now: datetime) -> Document:
    """The season's enrolments by state, and those that somebody should be in touch about.

    Quiet is an enrolment about which for `quiet_days` there was no change, no note, no registration of its
    organisation's and no mail to its people.
    """
    enrolments = list(db[ENROLMENTS.collection].find({"season_id": season_id}))
    overdue = []
    for enrolment in enrolments:
        if enrolment["state"] not in UNDER_WAY:
            continue
        last = _last_activity(db, enrolment)
        due = enrolment.get("next_contact_on")
        why = ["next_contact"] if due and due < now.date().isoformat() else []
        why += ["quiet"] if last < now - timedelta(days=quiet_days) else []
        if why:
            overdue.append(_overdue(enrolment, last, why, now))
    overdue.sort(key=lambda row: (row["next_contact_on"] or "9999", row["last_activity_at"]))
    return {"season_id": season_id, "states": _by_state(enrolments, now), "overdue": overdue}


def _by_state(enrolments: list[Document], now: datetime) -> list[Document]:
    rows = []
    for state in LIFECYCLE.states:
        there = [enrolment for enrolment in enrolments if enrolment["state"] == state]
        days = [_days_in_state(enrolment, now) for enrolment in there]
        rows.append(
            {
                "state": state,
                "count": len(there),
                "mean_days": round(sum(days) / len(days), 1) if days else None,
                "longest_days": max(days, default=None),
                "by_coordinator": dict(Counter(enrolment.get("coordinator") or "" for enrolment in there)),
            }
        )
    return rows


def _days_in_state(enrolment: Document, now: datetime) -> int:
    since: datetime = enrolment.get("state_since") or enrolment["created_at"]
    return (now - since).days


def _overdue(enrolment: Document, last: datetime, why: list[str], now: datetime) -> Document:
    return {
        **{name: enrolment.get(name) for name in ("organisation_id", "coordinator", "state", "next_contact_on")},
        "enrolment_id": enrolment["_id"],
        "days_in_state": _days_in_state(enrolment, now),
        "last_activity_at": instant_text(last),
        "why": why,
    }


def _last_activity(db: Database, enrolment: Document) -> datetime:
    """Each look-up is the end of an index."""
    moments: list[datetime] = [enrolment["updated_at"]]
    about = {"about.id": {"$in": [enrolment["_id"], enrolment["organisation_id"]]}}
    asked: list[tuple[str, Document]] = [
        (NOTES.collection, about),
        (REGISTRATIONS.collection, {"organisation_id": enrolment["organisation_id"]}),
        (DELIVERIES.collection, {"contact_id": {"$in": enrolment["contact_ids"]}}),
    ]
    for collection, query in asked:
        for row in db[collection].find(query, {"updated_at": 1}).sort("_id", -1).limit(1):
            at = row["updated_at"]
            moments.append(parse_instant(at) if isinstance(at, str) else at)
    return max(moments)

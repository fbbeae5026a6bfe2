"""A season's report: a row for each organisation, and the totals by region and by wellbeing services county."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from services.enrolment.enrolments.store import ENROLMENTS
from services.enrolment.organisations.store import ORGANISATIONS
from services.enrolment.projections import EVENTS, REGISTRATIONS
from services.enrolment.workshop_days.domain import available
from services.enrolment.workshop_days.store import WORKSHOP_DAYS
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.schemas import LANGUAGES

ROLES = ("officeholder", "elected", "developer", "other")
# What can be summed up over organisations.
FIGURES = (
    *("organisations", "half_days_granted", "half_days_used", "attended"),
    *(f"attended_{role}" for role in ROLES),
    "feedback_count",
)


def season_report(db: Database, season: Mapping[str, Any]) -> Document:
    """Rows by the organisation's name, totals by the name of the region and of the county."""
    enrolments = list(db[ENROLMENTS.collection].find({"season_id": season["_id"]}))
    ids = [enrolment["organisation_id"] for enrolment in enrolments]
    organisations = _by_id(db, ORGANISATIONS.collection, ids)
    accounts = _by_id(db, WORKSHOP_DAYS.collection, [enrolment["_id"] for enrolment in enrolments])
    visits = _visits(db, season, ids)
    rows = [
        _row(enrolment, organisations.get(enrolment["organisation_id"], {}), accounts.get(enrolment["_id"]), visits)
        for enrolment in enrolments
    ]
    rows.sort(key=lambda row: (row["name"] or "").casefold())
    return {
        "season_id": season["_id"],
        "rows": rows,
        "by_region": totals(rows, "region"),
        "by_wellbeing_county": totals(rows, "wellbeing_county"),
        "total": _sums(rows),
    }


def totals(rows: Iterable[Document], place: str) -> list[Document]:
    """The figures of the rows, summed up for each place; an empty name stands for those without one."""
    groups: defaultdict[str, list[Document]] = defaultdict(list)
    for row in rows:
        groups[row[place] or ""].append(row)
    return [{"name": name, **_sums(groups[name])} for name in sorted(groups)]


def _sums(rows: Sequence[Document]) -> Document:
    sums: Document = {name: sum(row.get(name, 0) for row in rows) for name in FIGURES}
    points = sum((row["feedback_mean"] or 0) * row["feedback_count"] for row in rows)
    count = sums["feedback_count"]
    return {**sums, "organisations": len(rows), "feedback_mean": round(points / count, 2) if count else None}


def _by_id(db: Database, collection: str, ids: Sequence[str]) -> dict[str, Document]:
    return {row["_id"]: row for row in db[collection].find({"_id": {"$in": list(ids)}})}


def _visits(db: Database, season: Mapping[str, Any], organisation_ids: Sequence[str]) -> dict[str, list[Document]]:
    """Who attended the season's events, and how they liked it, by the organisation that they came for."""
    end = (date.fromisoformat(season["ends_on"]) + timedelta(days=1)).isoformat()
    during = {"starts_at": {"$gte": season["starts_on"], "$lt": end}}
    events = [row["_id"] for row in db[EVENTS.collection].find(during, {"_id": 1})]
    steps: list[Document] = [
        {
            "$match": {
                "organisation_id": {"$in": list(organisation_ids)},
                "state": "attended",
                "event_id": {"$in": events},
            }
        },
        {
            "$group": {
                "_id": {"organisation": "$organisation_id", "role": "$role"},
                "attended": {"$sum": 1},
                "scores": {"$sum": {"$cond": [{"$gt": ["$feedback.score", None]}, 1, 0]}},
                "points": {"$sum": "$feedback.score"},
            }
        },
    ]
    found: defaultdict[str, list[Document]] = defaultdict(list)
    for row in db[REGISTRATIONS.collection].aggregate(steps):
        found[row["_id"]["organisation"]].append({**row, "role": row["_id"]["role"]})
    return found


def _row(
    enrolment: Document, organisation: Document, account: Document | None, visits: Mapping[str, list[Document]]
) -> Document:
    theirs = visits.get(enrolment["organisation_id"], [])
    scores = sum(visit["scores"] for visit in theirs)
    analysis = enrolment["situation_analysis"]
    return {
        "organisation_id": enrolment["organisation_id"],
        "enrolment_id": enrolment["_id"],
        "name": _text(organisation.get("name")),
        "kind": organisation.get("kind"),
        "municipality_code": organisation.get("municipality_code"),
        "region": _text(organisation.get("region")),
        "wellbeing_county": _text(organisation.get("wellbeing_county")),
        "state": enrolment["state"],
        "coordinator": enrolment.get("coordinator"),
        "situation_analysis": analysis["status"],
        "situation_analysis_on": analysis["delivered_on"],
        "half_days_granted": account["granted"] if account else 0,
        "half_days_used": account["used"] if account else 0,
        "half_days_available": available(account) if account else 0,
        "attended": sum(visit["attended"] for visit in theirs),
        **{f"attended_{role}": sum(v["attended"] for v in theirs if v["role"] == role) for role in ROLES},
        "feedback_count": scores,
        "feedback_mean": round(sum(visit["points"] for visit in theirs) / scores, 2) if scores else None,
    }


def _text(by_language: Mapping[str, str] | None) -> str | None:
    """The text in the first of the languages that it has."""
    return (
        next((by_language[language] for language in LANGUAGES if language in by_language), None)
        if by_language
        else None
    )

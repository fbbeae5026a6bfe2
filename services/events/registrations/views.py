"""Registrations as staff see them: with names, positions in line, counts."""

import json
from collections import Counter
from collections.abc import Mapping
from itertools import chain
from typing import Any

from services.events.events.store import EVENTS
from services.events.feedback.store import ANONYMOUS, anonymous_scores
from services.events.people.name_search import find_by_name
from services.events.people.registrants import person_of
from services.events.projections import ORGANISATIONS
from services.events.registrations.domain import SEATED
from services.events.registrations.store import BY_ARRIVAL, REGISTRATIONS, with_positions
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.paging import Page, page
from shared.secrets import Secrets

COUNTABLE = ("choice", "choices", "yes_no")


def shown(db: Database, secrets: Secrets, *registrations: Mapping[str, Any]) -> list[Document]:
    """The registrations with their present positions and the persons who are no contacts."""
    return [
        {**registration, "person": person_of(secrets, registration), "feedback": _feedback(registration)}
        for registration in with_positions(db, registrations)
    ]


def _feedback(registration: Mapping[str, Any]) -> Document | None:
    """The feedback with its comment, which only staff see."""
    feedback = registration["feedback"]
    comment = registration.get("feedback_comment") or (feedback or {}).get("comment")
    answers = registration.get("feedback_answers")
    return feedback and {**feedback, "comment": comment, **({"answers": answers} if answers else {})}


def registrations_of(db: Database, secrets: Secrets, event_id: str, query: dict[str, Any]) -> Page:
    """A page of an event's registrations in the order of arrival; `q` looks in names."""
    conditions: Document = {"event_id": event_id}
    conditions |= {name: query[name] for name in ("state", "organisation_id") if name in query}
    paging = {"limit": query["limit"], "cursor": query["cursor"]}
    if query["q"]:
        found = find_by_name(db, secrets, conditions, query["q"], **paging)
    else:
        found = page(db, REGISTRATIONS.collection, conditions, sort=BY_ARRIVAL, **paging)
    return Page(items=shown(db, secrets, *found.items), next_cursor=found.next_cursor)


def summary(db: Database, event_id: str) -> Document:
    """Counts and scores, by one aggregation."""
    seated = {"$match": {"state": {"$in": list(SEATED)}}}
    count = {"$sum": 1}
    [counts] = db[REGISTRATIONS.collection].aggregate(
        [
            {"$match": {"event_id": event_id}},
            {
                "$facet": {
                    "states": [{"$group": {"_id": "$state", "count": count}}],
                    "modes": [seated, {"$group": {"_id": "$mode", "count": count}}],
                    "roles": [seated, {"$group": {"_id": "$role", "count": count}}],
                    "organisations": [
                        {"$match": {"organisation_id": {"$ne": None}}},
                        seated,
                        {"$group": {"_id": "$organisation_id", "count": count}},
                        {"$sort": {"count": -1, "_id": 1}},
                        {"$lookup": {"from": ORGANISATIONS.collection, "localField": "_id", "foreignField": "_id",
                                     "as": "organisation"}},
                    ],
                    "scores": [
                        {"$match": {"feedback.score": {"$gt": 0}}},
                        {"$group": {"_id": "$feedback.score", "count": count}},
                    ],
                }
            },
        ]
    )  # fmt: skip
    named_scores = Counter({row["_id"]: row["count"] for row in counts["scores"]})
    return {
        "event_id": event_id,
        "by_state": {row["_id"]: row["count"] for row in counts["states"]},
        "by_mode": {row["_id"]: row["count"] for row in counts["modes"] if row["_id"]},
        "by_role": {row["_id"] or "none": row["count"] for row in counts["roles"]},
        "by_organisation": [
            {
                "organisation_id": row["_id"],
                "name": next((found.get("name") for found in row["organisation"]), None),
                "count": row["count"],
            }
            for row in counts["organisations"]
        ],
        "feedback": _answers_to_feedback(db, event_id),
        "scores": scores(named_scores + anonymous_scores(db, event_id)),
    }


def _answers_to_feedback(db: Database, event_id: str) -> list[Document]:
    """How often each answer was given to the feedback questions that have a few possible answers."""
    event = db[EVENTS.collection].find_one({"_id": event_id}, {"feedback_questions": 1}) or {}
    countable = [each["key"] for each in event.get("feedback_questions") or [] if each["kind"] in COUNTABLE]
    if not countable:
        return []
    named = db[REGISTRATIONS.collection].find({"event_id": event_id}, {"feedback_answers": 1})
    anonymous = db[ANONYMOUS].find({"event_id": event_id}, {"answers": 1})
    given = chain((row.get("feedback_answers") for row in named), (row["answers"] for row in anonymous))
    counts: dict[str, Counter[str]] = {key: Counter() for key in countable}
    for answers in given:
        for key, answer in (answers or {}).items():
            if key in counts:
                values = answer if isinstance(answer, list) else [answer]
                counts[key].update(json.dumps(value) if isinstance(value, bool) else value for value in values)
    return [{"key": key, "answers": dict(counts[key])} for key in countable]


def scores(counts: Mapping[int, int]) -> Document:
    """How many gave each score, how many in all, and their mean (null without any)."""
    number = sum(counts.values())
    return {
        "count": number,
        "mean": sum(score * count for score, count in counts.items()) / number if number else None,
        "distribution": {str(score): counts.get(score, 0) for score in range(1, 6)},
    }

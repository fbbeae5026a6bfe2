"""The answers to an event's questions: plain ones stand in the registration, sensitive ones sealed and apart."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo import DeleteOne, IndexModel, ReplaceOne, UpdateMany

from services.events.questions.domain import SENSITIVE_KEPT_AFTER_THE_END, check_answers, with_answers
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.secrets import Secrets

SENSITIVE = "sensitive_answers"
SENSITIVE_INDEXES = [
    IndexModel("event_id", name="event"),
    IndexModel("expires_at", name="ttl", expireAfterSeconds=0),  # MongoDB deletes expired answers
]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Checked answers: `plain` as they are, `sealed` the sensitive ones encrypted (None: none were given)."""

    plain: dict[str, Any] = field(default_factory=dict)
    sealed: str | None = None


def checked(
    secrets: Secrets,
    event: Mapping[str, Any],
    given: Mapping[str, Any] | None,
    *,
    complete: bool,
    plain_before: Mapping[str, Any] | None = None,
    sealed_before: str | None = None,
) -> Answers:
    """The answers after the change `given`, checked by the event's questions. Raises Invalid."""
    questions = event.get("questions") or []
    sensitive = {question["key"] for question in questions if question["sensitive"]}
    unsealed: dict[str, Any] = json.loads(secrets.unseal(sealed_before)) if sealed_before else {}
    before = {**(plain_before or {}), **unsealed}
    known = {question["key"] for question in questions}
    now = check_answers(questions, {**_only(before, known), **(given or {})}, complete=complete)
    after = with_answers({}, now)
    secret = _only(after, sensitive)
    return Answers(
        plain={key: value for key, value in after.items() if key not in sensitive},
        sealed=secrets.seal(json.dumps(secret, ensure_ascii=False)) if secret else None,
    )


def keep_sensitive(uow: UnitOfWork, registration_id: str, event: Mapping[str, Any], sealed: str | None) -> None:
    """Keeps the sealed answers of a registration until a week after the event; None changes nothing."""
    if sealed is not None:
        row = {
            "_id": registration_id,
            "event_id": event["_id"],
            "sealed": sealed,
            "expires_at": event["ends_at"] + SENSITIVE_KEPT_AFTER_THE_END,
        }
        uow.write(SENSITIVE, ReplaceOne({"_id": registration_id}, row, upsert=True))


def replace_sensitive(uow: UnitOfWork, registration_id: str, event: Mapping[str, Any], sealed: str | None) -> None:
    """As keep_sensitive, but None deletes the answers."""
    if sealed is None:
        uow.write(SENSITIVE, DeleteOne({"_id": registration_id}))
    keep_sensitive(uow, registration_id, event, sealed)


def keep_until(uow: UnitOfWork, event_id: str, ends_at: datetime) -> None:
    """Keeps the sensitive answers of an event with a new end until a week after that end."""
    expires_at = ends_at + SENSITIVE_KEPT_AFTER_THE_END
    uow.write(SENSITIVE, UpdateMany({"event_id": event_id}, {"$set": {"expires_at": expires_at}}))


def changed_answers(
    db: Database, secrets: Secrets, registration: Mapping[str, Any], event: Mapping[str, Any], given: Mapping[str, Any]
) -> Answers:
    """A registration's answers after those that are `given` now. Raises Invalid."""
    before = registration.get("answers") or {}
    sealed = sealed_of(db, registration["_id"])
    return checked(secrets, event, given, complete=False, plain_before=before, sealed_before=sealed)


def sealed_of(db: Database, registration_id: str) -> str | None:
    """The sealed answers of a registration; None when there are none, or no longer."""
    row = db[SENSITIVE].find_one({"_id": registration_id})
    return str(row["sealed"]) if row else None


def sensitive_answers_of(db: Database, secrets: Secrets, registration_ids: Sequence[str]) -> list[Document]:
    """The sensitive answers of these registrations, for the person's own export."""
    rows = db[SENSITIVE].find({"_id": {"$in": list(registration_ids)}})
    return [{"registration_id": row["_id"], "answers": json.loads(secrets.unseal(row["sealed"]))} for row in rows]


def sensitive_answers(db: Database, secrets: Secrets, event: Mapping[str, Any], live: set[str]) -> list[Document]:
    """For each sensitive question its answers without names, in alphabetical order, of the `live` registrations."""
    rows = db[SENSITIVE].find({"event_id": event["_id"]}, {"sealed": 1})
    opened = [json.loads(secrets.unseal(row["sealed"])) for row in rows if row["_id"] in live]
    return [
        {
            "key": question["key"],
            "label": question["label"],
            "answers": sorted((answer[question["key"]] for answer in opened if question["key"] in answer), key=str),
        }
        for question in event.get("questions") or []
        if question["sensitive"]
    ]


def _only(answers: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in answers.items() if key in keys}

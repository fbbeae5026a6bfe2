"""Dead letters: redriven, or set aside for good. The transaction of each also writes the audit."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pymongo import UpdateOne

from ops.context import OpsContext
from ops.jobs import Job, is_transient
from ops.late_messages import apply_late
from ops.redaction import read_dead_letter, show_dead_letter
from ops.store import audit
from shared.cause import Cause
from shared.errors import Conflict, NotFound
from shared.messaging.messages import Undecodable
from shared.mongo.aggregates import Document
from shared.mongo.database import DEAD_LETTERS, Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork

FORGOTTEN = {"value": "", "headers": "", "key": ""}


def load_dead_letter(db: Database, identifier: str) -> Document:
    """The dead letter. Raises NotFound."""
    letter = db[DEAD_LETTERS].find_one({"_id": identifier})
    if letter is None:
        raise NotFound("dead letter", identifier)
    return letter


def filters(*, state: str | None = None, topic: str | None = None, error: str | None = None) -> Mapping[str, Any]:
    """The query for dead letters with this state, topic and error, where they are given."""
    wanted = {"state": state, "about.topic": topic, "about.error": error}
    return {name: value for name, value in wanted.items() if value is not None}


def redrive(
    context: OpsContext, cause: Cause, identifier: str, *, reason: str | None, key: IdempotencyKey | None = None
) -> Document:
    """Applies the message as it came, with its own id, so that it has its effect once although its sequence is old.
    An effect that newer state contradicts is left out (`apply_late`).

    The dead letter is `redriven` then and its content deleted. When the message fails again it stays `dead`, with the
    new reason and one more try. Returns the dead letter for the operator. Raises NotFound; Conflict when it is closed;
    Unavailable or Conflict when waiting helps.
    """
    load_dead_letter(context.db, identifier)
    apply = partial(_apply, context=context, identifier=identifier, reason=reason)
    try:
        return context.db.transact(apply, cause=cause, key=key)
    except _FailedAgain as error:
        keep = partial(_keep_dead, identifier=identifier, failure=error.__cause__ or error, reason=reason)
    return context.db.transact(keep, cause=cause, key=key)


def _apply(uow: UnitOfWork, *, context: OpsContext, identifier: str, reason: str | None) -> Document:
    letter = _load_open(uow, identifier)
    try:
        apply_late(context.subscriptions, uow, [read_dead_letter(letter)])
        uow.flush()
    except Exception as error:
        if is_transient(error):
            raise
        # A handler's Problem is no refusal of the operator's request: it must not be kept under the request's key.
        raise _FailedAgain from error
    return _close(uow, letter, "redriven", reason)


def _keep_dead(uow: UnitOfWork, *, identifier: str, failure: BaseException, reason: str | None) -> Document:
    letter = _load_open(uow, identifier)
    about = letter["about"] | {
        "error": type(failure).__name__,
        "reason": str(failure) if isinstance(failure, Undecodable) else f"A handler raised {type(failure).__name__}.",
        "tries": str(int(letter["about"]["tries"]) + 1),
    }
    uow.write(DEAD_LETTERS, UpdateOne({"_id": identifier}, {"$set": {"about": about}}))
    audit(uow, "redrive", of=identifier, reason=reason, about={"outcome": "dead", "error": about["error"]})
    return show_dead_letter(letter | {"about": about}, whole=True)


def discard(uow: UnitOfWork, identifier: str, *, reason: str) -> Document:
    """Sets the dead letter aside for good and deletes its content. Raises NotFound; Conflict when it is closed."""
    return _close(uow, _load_open(uow, identifier), "discarded", reason)


def redrive_many(job: Job, context: OpsContext) -> None:
    """Redrives each dead letter that fits and was there when the job was asked for, oldest first."""
    wanted = filters(state="dead", topic=job["wanted"].get("topic"), error=job["wanted"].get("error"))
    counts = {"redriven": 0, "dead": 0} | (job["counts"] or {})
    while True:
        after = job["after"] or ""
        letter = context.db[DEAD_LETTERS].find_one(
            {**wanted, "_id": {"$gt": after, "$lt": job["_id"]}}, {"_id": 1}, sort=[("_id", 1)]
        )
        if letter is None:
            break
        try:
            outcome = redrive(context, job.cause, letter["_id"], reason=job["reason"])["state"]
        except _Closed:
            outcome = None  # another operator was quicker
        if outcome:
            counts[outcome] += 1
        job.step(read=1, after=letter["_id"], counts=dict(counts))
    job.end(**counts)


class _Closed(Conflict):
    pass


class _FailedAgain(Exception):
    """The message still cannot be handled; the cause is the error."""


def _load_open(uow: UnitOfWork, identifier: str) -> Document:
    letter = uow.find_one(DEAD_LETTERS, {"_id": identifier})
    if letter is None:
        raise NotFound("dead letter", identifier)
    if letter["state"] != "dead":
        raise _Closed(f"This dead letter is {letter['state']} already.")
    return letter


def _close(uow: UnitOfWork, letter: Document, state: str, reason: str | None) -> Document:
    closed = {"state": state, "closed_at": uow.now, "closed_by": uow.cause.actor, "why_closed": reason}
    uow.write(DEAD_LETTERS, UpdateOne({"_id": letter["_id"], "state": "dead"}, {"$set": closed, "$unset": FORGOTTEN}))
    action = {"redriven": "redrive", "discarded": "discard"}[state]
    audit(uow, action, of=letter["_id"], reason=reason, about={"outcome": state, "topic": letter["about"]["topic"]})
    return show_dead_letter({**letter, **closed, "value": None, "key": None}, whole=True)

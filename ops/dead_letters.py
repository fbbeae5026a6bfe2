"""Dead letters: applied again, or set aside for good. Either leaves its mark in the audit, in the same transaction."""

from collections.abc import Mapping
from typing import Any

from pymongo import UpdateOne

from ops.context import OpsContext
from ops.jobs import Job, passes
from ops.masking import read_letter, show_letter
from ops.store import note
from shared.cause import Cause
from shared.errors import Conflict, NotFound
from shared.messaging.messages import Undecodable
from shared.messaging.subscriptions import apply_batch
from shared.mongo.aggregates import Document
from shared.mongo.database import DEAD_LETTERS, Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork

FORGOTTEN = {"value": "", "headers": "", "key": ""}


def load_letter(db: Database, identifier: str) -> Document:
    """Raises NotFound."""
    letter = db[DEAD_LETTERS].find_one({"_id": identifier})
    if letter is None:
        raise NotFound("dead letter", identifier)
    return letter


def filters(*, state: str | None = None, topic: str | None = None, error: str | None = None) -> Mapping[str, Any]:
    """The query for letters of that state, topic and error; each where given."""
    wanted = {"state": state, "about.topic": topic, "about.error": error}
    return {name: value for name, value in wanted.items() if value is not None}


def redrive(
    operated: OpsContext, cause: Cause, identifier: str, *, reason: str | None, once: IdempotencyKey | None = None
) -> Document:
    """Applies the message as it came, with its own id, so that it has its effect once although its sequence is old.

    The letter is `redriven` then and its content forgotten; when the message fails again it stays `dead`,
    with the new reason and one more try. Returns the letter for the operator. Raises NotFound; Conflict
    when the letter is closed; Unavailable and Conflict when it is a matter of trying again.
    """

    def apply(uow: UnitOfWork) -> Document:
        letter = _open_letter(uow, identifier)
        apply_batch(operated.subscriptions, uow, [read_letter(letter)])
        return _close(uow, letter, "redriven", reason)

    load_letter(operated.db, identifier)
    try:
        return operated.db.transact(apply, cause=cause, once=once)
    except _Closed:
        raise
    except Exception as error:
        if passes(error):
            raise
        failure = error

    def stay(uow: UnitOfWork) -> Document:
        letter = _open_letter(uow, identifier)
        about = letter["about"] | {
            "error": type(failure).__name__,
            "reason": str(failure)
            if isinstance(failure, Undecodable)
            else f"A handler raised {type(failure).__name__}.",
            "tries": str(int(letter["about"]["tries"]) + 1),
        }
        uow.write(DEAD_LETTERS, UpdateOne({"_id": identifier}, {"$set": {"about": about}}))
        note(uow, "redrive", of=identifier, reason=reason, about={"outcome": "dead", "error": about["error"]})
        return show_letter(letter | {"about": about}, whole=True)

    return operated.db.transact(stay, cause=cause, once=once)


def discard(
    db: Database, cause: Cause, identifier: str, *, reason: str, once: IdempotencyKey | None = None
) -> Document:
    """Sets the letter aside for good and forgets its content. Raises NotFound; Conflict when it is closed."""
    return db.transact(
        lambda uow: _close(uow, _open_letter(uow, identifier), "discarded", reason), cause=cause, once=once
    )


def redrive_many(job: Job, operated: OpsContext) -> None:
    """Each letter that fits and was there when the job was asked for, oldest first."""
    wanted = filters(state="dead", topic=job["wanted"].get("topic"), error=job["wanted"].get("error"))
    counts = {"redriven": 0, "dead": 0} | (job["counts"] or {})
    while True:
        after = job["after"] or ""
        letter = operated.db[DEAD_LETTERS].find_one(
            {**wanted, "_id": {"$gt": after, "$lt": job["_id"]}}, {"_id": 1}, sort=[("_id", 1)]
        )
        if letter is None:
            break
        try:
            outcome = redrive(operated, job.cause, letter["_id"], reason=job["reason"])["state"]
        except _Closed:
            outcome = None  # somebody else was quicker
        if outcome:
            counts[outcome] += 1
        job.step(read=1, after=letter["_id"], counts=dict(counts))
    job.end(**counts)


class _Closed(Conflict):
    pass


def _open_letter(uow: UnitOfWork, identifier: str) -> Document:
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
    note(uow, action, of=letter["_id"], reason=reason, about={"outcome": state, "topic": letter["about"]["topic"]})
    return show_letter({**letter, **closed, "value": None, "key": None}, whole=True)

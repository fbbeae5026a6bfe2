"""Jobs: an operator enqueues a job, a worker claims it in the database, and another continues when that worker dies.

Each claim of a job has a number. Every step is a transaction that first updates the job's row under that number,
so a worker that wakes up after another took over changes nothing.
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from kafka.errors import KafkaError
from pymongo import InsertOne

from ops.store import JOBS, audit
from shared.cause import Cause
from shared.errors import Conflict, NotFound
from shared.ids import new_id, utc_now
from shared.mongo import errors
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

LEASE = timedelta(seconds=15)
# After a failure: long enough that another worker may claim the job first.
REST = timedelta(seconds=2)
# A job that fails three times without an outage has a mistake: the fourth try would fail too.
TRIES = 3
# The kinds of job, and the plural under which the API shows them.
KINDS = {
    "rebuild": "rebuilds",
    "replay": "replays",
    "check": "checks",
    "redrive": "redrives",
    "republish": "republishes",
}
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class LeaseLost(Exception):
    """Another worker has taken the job over."""


class CannotSucceed(Exception):
    """The job would fail at every try. The text says why and what to do, and names no person."""


class ShuttingDown(Exception):
    """This worker must end: another continues the job."""


def enqueue(
    uow: UnitOfWork, kind: str, *, of: str, reason: str | None, wanted: Mapping[str, Any] | None = None
) -> Document:
    """A new job that waits for a worker. Raises Conflict (`existing_id`) while a job like it is open."""
    open_job = uow.find_one(JOBS, {"kind": kind, "of": of, "open": True}, projection={"_id": 1})
    if open_job is not None:  # the unique index decides between two at once; this check only gives a good sentence
        raise Conflict(f"A {kind} of {of} is under way already.", existing_id=open_job["_id"])
    job: Document = {
        "_id": new_id(),
        "kind": kind,
        "of": of,
        "open": True,
        "state": "waiting",
        "wanted": dict(wanted or {}),
        "asked_by": uow.cause.actor,
        "asked_at": uow.now,
        "reason": reason,
        "correlation_id": uow.cause.correlation_id,
        "claim": 0,
        "holder": None,
        "until": LONG_AGO,
        "tries": 0,
        "error": None,
        "phase": None,
        "read": 0,
        "per_second": None,
        "skipped": 0,
        "skipped_at": [],
        "result": None,
        "ended_at": None,
    }
    uow.write(JOBS, InsertOne(job))
    audit(uow, kind, of=of, reason=reason, about={"job": job["_id"], **(wanted or {})})
    return job


def load(db: Database, kind: str, identifier: str) -> Document:
    """The job. Raises NotFound."""
    job = db[JOBS].find_one({"_id": identifier, "kind": kind})
    if job is None:
        raise NotFound(kind, identifier)
    return job


class Job:
    """A job that this worker holds."""

    def __init__(self, db: Database, document: Document, stop: threading.Event) -> None:
        self.db = db
        self.document = document
        self._stop = stop
        self._began_at = time.monotonic()
        self._read_before = document["read"]

    def __getitem__(self, name: str) -> Any:
        return self.document.get(name)

    @property
    def offsets(self) -> dict[int, int]:
        """The offset reached in each partition of the topic that is read."""
        return {int(number): offset for number, offset in self["reached"].items()}

    @property
    def cause(self) -> Cause:
        """The operator who asked for it."""
        return Cause(actor=self["asked_by"], correlation_id=self["correlation_id"])

    def step(self, apply: Callable[[UnitOfWork], object] = lambda _: None, *, read: int = 0, **changes: Any) -> None:
        """Commits `apply` and the job's own changes in one transaction, and extends the claim.

        Raises LeaseLost when another worker holds the job, ShuttingDown when this worker must end.
        """
        if self._stop.is_set():
            raise ShuttingDown
        total = self["read"] + read
        if read:
            seconds = max(time.monotonic() - self._began_at, 0.001)
            changes |= {"read": total, "per_second": round((total - self._read_before) / seconds)}
        self.db.transact(partial(self._step, changes, apply), cause=self.cause)
        self.document |= changes

    def _step(self, changes: Document, apply: Callable[[UnitOfWork], object], uow: UnitOfWork) -> None:
        # The claim is checked before `apply`: a worker that lost the job to another one writes nothing.
        query = {"_id": self["_id"], "claim": self["claim"], "open": True}
        if uow.find_and_update(JOBS, query, _set(changes, until=_in(LEASE))) is None:
            raise LeaseLost
        apply(uow)

    def skip(self, records: list[Any]) -> dict[str, Any]:
        """The update that counts these records as skipped and keeps the first 20 locations."""
        offsets = [f"{record.topic}/{record.partition}/{record.offset}" for record in records]
        return {
            "skipped": self["skipped"] + len(records),
            "skipped_at": [*self["skipped_at"], *offsets][:20],
        }

    def end(self, **result: Any) -> None:
        """Notes that the job is done."""
        self.step(open=False, state="completed", phase=None, result=result, ended_at=utc_now())

    def release(self, error: Exception | None = None) -> None:
        """Returns the job: at once, or two seconds after an error. Fails it after three errors that are not outages.

        CannotSucceed fails it at once.
        """
        changes: Document = {}
        if error is not None:
            changes["error"] = str(error) if isinstance(error, CannotSucceed) else type(error).__name__
            if not is_transient(error):
                changes["tries"] = self["tries"] + 1
            if changes.get("tries", 0) >= TRIES or isinstance(error, CannotSucceed):
                changes |= {"open": False, "state": "failed", "ended_at": utc_now()}
        until = LONG_AGO if error is None else _in(REST)
        mine = {"_id": self["_id"], "claim": self["claim"], "open": True}
        self.db[JOBS].update_one(mine, _set(changes, until=until))


def encode_offsets(offsets: Mapping[int, int]) -> dict[str, int]:
    """Offsets as a job's document keeps them: keys in MongoDB are texts."""
    return {str(number): offset for number, offset in offsets.items()}


def claim(db: Database, holder: str, stop: threading.Event) -> Job | None:
    """Claims the oldest job without a worker; None when there is none."""
    document = db[JOBS].find_one_and_update(
        {"open": True, "$expr": {"$lt": ["$until", "$$NOW"]}},
        _set({"holder": holder, "state": "running"}, until=_in(LEASE), claim={"$add": ["$claim", 1]}),
        sort=[("_id", 1)],
        return_document=True,
    )
    return None if document is None else Job(db, document, stop)


def _set(values: Mapping[str, Any], **computed: Any) -> list[Document]:
    """An update that sets `values` as they are, and `computed` by MongoDB's expressions."""
    return [{"$set": {**{name: {"$literal": value} for name, value in values.items()}, **computed}}]


def _in(wait: timedelta) -> Document:
    """That long from now by MongoDB's clock: a worker with a fast clock of its own would take living workers' jobs."""
    return {"$add": ["$$NOW", round(wait.total_seconds() * 1000)]}


def is_transient(error: BaseException) -> bool:
    """Whether waiting helps: MongoDB or Kafka is away, or there are too many writers at once."""
    return isinstance(error, KafkaError) or errors.is_transient(error)

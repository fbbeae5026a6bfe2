"""Sends the present state of all aggregates of a kind once more, and the tombstones of the erased.

This is for a topic that has lost records. Each aggregate's newest message is sent unchanged, with its own id: readers
that have seen it ignore it, and a policy that never saw it acts. When readers may have forgotten the id, or the message
is gone, the message is marked `republished`: projections take it, policies do not act.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pymongo import UpdateOne

from ops.context import OpsContext
from ops.jobs import Job
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.database import SEEN_KEPT
from shared.mongo.journal import JOURNAL, journal_row
from shared.mongo.unit_of_work import UnitOfWork

# A portion is a transaction: 200 states of at most a megabyte stay far below MongoDB's limits.
PORTION = 200


def republish(job: Job, context: OpsContext) -> None:
    """Does the rest of the job, in portions through the outbox."""
    aggregate = context.aggregate(job["of"])
    db = context.db
    while job["phase"] != "tombstones":
        found = db[aggregate.collection].find({"_id": {"$gt": job["after"] or ""}}, {"_id": 1})
        ids = [row["_id"] for row in found.sort("_id", 1).limit(PORTION)]
        if not ids:
            job.step(phase="tombstones", after=None)
            break
        job.step(partial(_send_states, aggregate=aggregate, ids=ids), read=len(ids), after=ids[-1], phase="states")
    while True:
        # Only rows from before the job: it must not find its own tombstones.
        older = {"_id": {"$gt": job["after"] or "", "$lt": job["_id"]}, "topic": aggregate.topic, "value": None}
        rows = list(db[JOURNAL].find(older, {"key": 1, "sequence": 1}).sort("_id", 1).limit(PORTION))
        if not rows:
            break
        sent = partial(_send_tombstones, aggregate=aggregate, rows=rows)
        job.step(sent, read=len(rows), after=rows[-1]["_id"])
    job.end(sent=job["read"])


def _send_states(uow: UnitOfWork, *, aggregate: Aggregate[Any], ids: Sequence[str]) -> None:
    documents = uow.find(aggregate.collection, {"_id": {"$in": ids}})
    # A real write: a command that changes the aggregate at the same time meets a conflict. Otherwise this old state
    # could follow the new state in the outbox, and the last record of the key on the topic would not be the newest.
    marks = [
        UpdateOne({"_id": each["_id"], "version": each["version"]}, {"$set": {"republished_at": uow.now}})
        for each in documents
    ]
    uow.write(aggregate.collection, *marks)
    newest = {"kind": aggregate.name, "$or": [{"of": each["_id"], "version": each["version"]} for each in documents]}
    rows = {row["of"]: row for row in uow.find(JOURNAL, newest)} if documents else {}
    for document in documents:
        _send(uow, aggregate, document, rows.get(document["_id"]))


def _send(uow: UnitOfWork, aggregate: Aggregate[Any], document: Document, row: Document | None) -> None:
    if row is not None and row.get("value") and uow.now - row["at"] < SEEN_KEPT / 2:
        value = row["value"]
    else:
        usual = [name for name in aggregate.message_types if name.endswith(".updated")]
        made = journal_row(
            aggregate,
            document,
            (usual or list(aggregate.message_types))[0],
            {"changed": {}},
            state=aggregate.to_public(document),
            cause=uow.cause,
            now=uow.now,
        )
        value = json.dumps({**json.loads(made["value"]), "republished": True}, ensure_ascii=False).encode()
    uow.publish(topic=str(aggregate.topic), key=aggregate.key(document), value=value, sequence=document["version"])


def _send_tombstones(uow: UnitOfWork, *, aggregate: Aggregate[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """For each key whose document is gone; the tombstone stands in the outbox behind all states of the key."""
    keys = sorted({row["key"] for row in rows})
    alive = {aggregate.key(each) for each in uow.find(aggregate.collection, {"_id": {"$in": keys}})}
    sequences = {row["key"]: row["sequence"] for row in rows}
    for key in keys:
        if key not in alive:
            uow.publish(topic=str(aggregate.topic), key=key, value=None, sequence=sequences[key])

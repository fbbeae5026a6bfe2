"""Rebuilds a projection from its topic while the old projection serves.

The job reads the topic into a collection of its own. For the exchange it holds the consumer: a transaction writes the
rows of the consumer's offsets, so that the consumer cannot commit. The job reads up to those offsets, renames its
collection to the projection's, and ends the transaction. So a policy never meets a projection that lacks a handled
message. If MongoDB ends that transaction too early, the last phase applies the handled messages once more.
"""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pymongo
from pymongo import InsertOne, ReplaceOne
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from ops.context import OpsContext
from ops.jobs import CannotSucceed, Job, encode_offsets
from ops.reading import BATCH, Offsets, TopicReader, reader
from ops.store import JOBS
from shared.messaging.messages import message_of
from shared.messaging.subscriptions import Projection, if_newer
from shared.mongo.aggregates import Document
from shared.mongo.database import OFFSETS
from shared.mongo.errors import is_transient
from shared.mongo.unit_of_work import UnitOfWork

NAMESPACE_NOT_FOUND = 26
# Each round reads the messages that arrived during the round before. After these rounds the consumer is held.
ROUNDS = 50
# The consumer commits every few milliseconds. A hold that meets one of its transactions is tried again.
HOLD_TRY_SECONDS = 10.0
HOLD_PAUSE_SECONDS = 0.01
# MongoDB ends a transaction after a minute; the consumer's own calls wait for ten seconds.
HOLD_SECONDS = 8.0
# A topic that knows less than nine tenths of what the projection has was lost, cut or made anew.
KEYS_EXPECTED = 0.9


class TopicLacksKeys(CannotSucceed):
    """The topic holds far fewer keys than the projection: a rebuild would lose the others."""


def rebuild(job: Job, context: OpsContext) -> None:
    """Does the rest of the job. Another worker can continue each phase.

    Raises TopicLacksKeys unless the operator accepts the loss.
    """
    topic, projection = context.projection(job["of"])
    with reader(context.settings) as consumer:
        source = TopicReader(consumer, topic)
        if job["phase"] is None:
            _begin(job, context, projection, source)
        if job["phase"] == "swapping":
            _take_over_exchange(job, context, projection)
        if job["phase"] == "reading":
            _read(job, context, projection, source)
            _exchange(job, context, projection, source)
        if job["phase"] == "catching_up":
            _catch_up(job, context, projection, source)
    job.end(documents=context.db[projection.collection].estimated_document_count())


def forget(context: OpsContext, name: str) -> None:
    """Drops collections left by finished rebuilds of this projection."""
    prefix = f"{name}.rebuild-"
    for left in context.db.raw.list_collection_names(filter={"name": {"$regex": f"^{re.escape(prefix)}"}}):
        job = left.removeprefix(prefix).rpartition("-")[0]
        if context.db[JOBS].find_one({"_id": job, "open": True}) is None:
            context.db[left].drop()


def _target(job: Job, projection: Projection) -> str:
    """The name has the claim's number: a worker that wakes up late cannot create or rename this collection."""
    return f"{projection.collection}.rebuild-{job['_id']}-{job['claim']}"


def _begin(job: Job, context: OpsContext, projection: Projection, source: TopicReader) -> None:
    forget(context, projection.collection)
    target = _target(job, projection)
    context.db.raw.create_collection(target)
    if projection.indexes:
        context.db[target].create_indexes(list(projection.indexes))
    job.step(phase="reading", target=target, reached=encode_offsets(source.beginnings()))


def _read(job: Job, context: OpsContext, projection: Projection, source: TopicReader) -> None:
    for _ in range(ROUNDS):
        before = job["read"]
        _apply(job, context, projection, source, target=job["target"], until=source.ends())
        if job["read"] - before < BATCH:
            break
    # Erased rows are carried over: their tombstones may be compacted, and a late message would bring the person back.
    erased = list(context.db[projection.collection].find({"erased": True}))
    for start in range(0, len(erased), BATCH):
        portion = erased[start : start + BATCH]
        job.step(lambda uow: uow.write(job["target"], *map(if_newer, portion)))  # noqa: B023 - called at once
    if not (job["wanted"] or {}).get("accept_loss"):
        _check_keys(context, job["target"], projection.collection)


def _check_keys(context: OpsContext, target: str, collection: str) -> None:
    present = {"erased": {"$ne": True}}
    found, known = (context.db[name].count_documents(present) for name in (target, collection))
    if found < known * KEYS_EXPECTED:
        raise TopicLacksKeys(
            f"The topic holds {found} keys and the projection {known}. Let the topic's owner republish them, "
            "or accept the loss."
        )


def _exchange(job: Job, context: OpsContext, projection: Projection, source: TopicReader) -> None:
    with _held(context, source) as handled:
        until = {number: max(offset, handled.get(number, 0)) for number, offset in job.offsets.items()}
        _apply(job, context, projection, source, target=job["target"], until=until)
        job.step(phase="swapping")
        context.db[job["target"]].rename(projection.collection, dropTarget=True)
    job.step(phase="catching_up")


@contextmanager
def _held(context: OpsContext, source: TopicReader) -> Iterator[Offsets]:
    """Keeps the consumer from committing offsets of this topic. Yields its committed offsets.

    The rows are really written: only then does MongoDB refuse the consumer's own write to them. The consumer takes
    that for a conflict, waits a moment and applies its batch again.
    """
    with context.db.client.start_session() as session:
        deadline = time.monotonic() + HOLD_TRY_SECONDS
        while True:
            session.start_transaction(ReadConcern("snapshot"), WriteConcern("majority"))
            try:
                query = {"_id": context.offset_rows(source.topic)}
                context.db[OFFSETS].update_many(query, {"$inc": {"held": 1}}, session=session)
                rows = list(context.db[OFFSETS].find(query, session=session))
                break
            except PyMongoError as error:
                session.abort_transaction()
                if not is_transient(error) or time.monotonic() > deadline:
                    raise
                time.sleep(HOLD_PAUSE_SECONDS)
        try:
            with pymongo.timeout(HOLD_SECONDS):
                yield context.numbered(source.topic, rows)
        except BaseException:
            session.abort_transaction()
            raise
        session.commit_transaction()


def _take_over_exchange(job: Job, context: OpsContext, projection: Projection) -> None:
    """Continues after a worker that died at the exchange: behind the exchange, or with the collection renamed to ours.

    The other worker may only be slow. Only one of the two can rename the collection: the other finds none.
    """
    job.step()
    target = _target(job, projection)
    try:
        context.db[job["target"]].rename(target)
    except OperationFailure as error:
        if error.code != NAMESPACE_NOT_FOUND:
            raise
        job.step(phase="catching_up")
    else:
        job.step(phase="reading", target=target)


def _catch_up(job: Job, context: OpsContext, projection: Projection, source: TopicReader) -> None:
    handled = context.offsets(source.topic)
    until = {number: max(offset, handled.get(number, 0)) for number, offset in job.offsets.items()}
    _apply(job, context, projection, source, target=projection.collection, until=until)


def _apply(
    job: Job, context: OpsContext, projection: Projection, source: TopicReader, *, target: str, until: Offsets
) -> None:
    """Reads on to `until`. Each batch and the offset behind it are written in one transaction."""
    for records, reached in source.read(job.offsets, until):
        newest, unusable = _documents(projection, records)
        changes = job.skip(unusable) if unusable else {}
        write = partial(_write, collection=projection.collection, target=target, newest=newest, unusable=unusable)
        job.step(write, read=len(records), reached=encode_offsets(reached), **changes)


def _write(
    uow: UnitOfWork, *, collection: str, target: str, newest: dict[str, Document], unusable: Sequence[Any]
) -> None:
    if unusable and target != collection:
        # A record that cannot be read changes nothing: the present document stays, in the new collection too.
        keys = [(record.key or b"").decode(errors="replace") for record in unusable]
        uow.write(target, *map(if_newer, uow.find(collection, {"_id": {"$in": keys}})))
    if target == collection:
        uow.write(target, *map(if_newer, newest.values()))
    else:
        _put(uow, target, newest)


def _put(uow: UnitOfWork, target: str, newest: dict[str, Document]) -> None:
    """Writes as `if_newer` does, two to three times as fast; only for a collection that no other process writes."""
    rows = uow.find(target, {"_id": {"$in": list(newest)}}, projection={"sequence": 1})
    known = {row["_id"]: row["sequence"] for row in rows}
    uow.write(target, *(InsertOne(document) for key, document in newest.items() if key not in known))
    for key, document in newest.items():
        if key in known and known[key] < document["sequence"]:
            uow.write(target, ReplaceOne({"_id": key}, document))


def _documents(projection: Projection, records: list[Any]) -> tuple[dict[str, Document], list[Any]]:
    """The newest document of each key, and the records that make no document."""
    newest: dict[str, Document] = {}
    unusable = []
    for record in records:
        try:
            document = projection.document(message_of(record))
        except Exception:  # noqa: BLE001 - any failure is this record's own
            unusable.append(record)
            continue
        known = newest.get(document["_id"])
        if known is None or known["sequence"] <= document["sequence"]:
            newest[document["_id"]] = document
    return newest, unusable

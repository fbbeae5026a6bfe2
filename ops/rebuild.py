"""A copy read anew from its topic while the old one serves.

The topic goes into a collection of the job's own, up to its present end and on until little is left;
then that collection takes the copy's name. What the live consumer has put into the old one meanwhile is
applied once more, guarded by its sequence: from where this reading stood to the consumer's own place. A
transaction that meets the exchange of the collections fails as a whole and is done again on the new one.
"""

import re
from typing import Any

from pymongo import InsertOne, ReplaceOne
from pymongo.errors import OperationFailure

from ops.context import OpsContext
from ops.jobs import Job, encode_offsets
from ops.reading import BATCH, Offsets, TopicReader, reader
from ops.store import JOBS
from shared.messaging.messages import message_of
from shared.messaging.subscriptions import Projection, if_newer
from shared.mongo.aggregates import Document
from shared.mongo.unit_of_work import UnitOfWork

NAMESPACE_NOT_FOUND = 26
ROUNDS = 50


def rebuild(job: Job, context: OpsContext) -> None:
    """Does what is left of the job; each phase can be gone on with by another worker."""
    topic, projection = context.projection(job["of"])
    with reader(context.settings) as consumer:
        source = TopicReader(consumer, topic)
        if job["phase"] is None:
            _begin(job, context, projection, source)
        if job["phase"] == "reading":
            _read(job, context, projection, source)
        if job["phase"] == "swapping":
            _swap(job, context, projection)
        if job["phase"] == "catching_up":
            _catch_up(job, context, projection, source)
    job.end(documents=context.db[projection.collection].estimated_document_count())


def forget(context: OpsContext, name: str) -> None:
    """Drops what rebuilds of this copy that are over have left behind."""
    prefix = f"{name}.rebuild-"
    for left in context.db.raw.list_collection_names(filter={"name": {"$regex": f"^{re.escape(prefix)}"}}):
        job = left.removeprefix(prefix).rpartition("-")[0]
        if context.db[JOBS].find_one({"_id": job, "open": True}) is None:
            context.db[left].drop()


def _begin(job: Job, context: OpsContext, projection: Projection, source: TopicReader) -> None:
    forget(context, projection.collection)
    # With the claim's number in it, no worker that wakes up late can make this collection again.
    target = f"{projection.collection}.rebuild-{job['_id']}-{job['claim']}"
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
    # What the topic has forgotten of the erased, the copy must not: a late old message would bring them back.
    erased = list(context.db[projection.collection].find({"erased": True}))
    for start in range(0, len(erased), BATCH):
        portion = erased[start : start + BATCH]
        job.step(lambda uow: uow.write(job["target"], *map(if_newer, portion)))  # noqa: B023 - called at once
    job.step(phase="swapping")


def _swap(job: Job, context: OpsContext, projection: Projection) -> None:
    try:
        context.db[job["target"]].rename(projection.collection, dropTarget=True)
    except OperationFailure as error:
        if error.code != NAMESPACE_NOT_FOUND:
            raise  # else the worker before us came as far as this
    job.step(phase="catching_up")


def _catch_up(job: Job, context: OpsContext, projection: Projection, source: TopicReader) -> None:
    offsets = context.offsets(source.topic)
    until = {number: max(place, offsets.get(number, 0)) for number, place in job.offsets.items()}
    _apply(job, context, projection, source, target=projection.collection, until=until)


def _apply(
    job: Job, context: OpsContext, projection: Projection, source: TopicReader, *, target: str, until: Offsets
) -> None:
    """Reads on to `until`; each batch and the place behind it are one transaction."""
    for records, reached in source.read(job.offsets, until):
        newest, unusable = _documents(projection, records)

        def write(uow: UnitOfWork, newest: dict[str, Document] = newest, unusable: list[Any] = unusable) -> None:
            if unusable and target != projection.collection:
                keys = [(record.key or b"").decode(errors="replace") for record in unusable]
                uow.write(target, *map(if_newer, uow.find(projection.collection, {"_id": {"$in": keys}})))
            if target == projection.collection:
                uow.write(target, *map(if_newer, newest.values()))
            else:
                _put(uow, target, newest)

        changes = job.skip(unusable) if unusable else {}
        job.step(write, read=len(records), reached=encode_offsets(reached), **changes)


def _put(uow: UnitOfWork, target: str, newest: dict[str, Document]) -> None:
    """As `if_newer`, two to three times as fast, where nobody else writes."""
    rows = uow.find(target, {"_id": {"$in": list(newest)}}, projection={"sequence": 1})
    known = {row["_id"]: row["sequence"] for row in rows}
    uow.write(target, *(InsertOne(document) for key, document in newest.items() if key not in known))
    for key, document in newest.items():
        if key in known and known[key] < document["sequence"]:
            uow.write(target, ReplaceOne({"_id": key}, document))


def _documents(projection: Projection, records: list[Any]) -> tuple[dict[str, Document], list[Any]]:
    """The newest document of each key, and the records that none can be made of (the old one stays then)."""
    newest: dict[str, Document] = {}
    unusable = []
    for record in records:
        try:
            document = projection.document(message_of(record))
        except Exception:  # noqa: BLE001 - whatever it is, it is this record's fault
            unusable.append(record)
            continue
        known = newest.get(document["_id"])
        if known is None or known["sequence"] <= document["sequence"]:
            newest[document["_id"]] = document
    return newest, unusable

"""Compares a service's own things with its topics: a database that was set back to a backup knows less than they do.

The topics are read first, so a change that happens meanwhile makes no difference.
"""

from collections import Counter
from typing import Any

from ops.context import OpsContext
from ops.jobs import Job
from ops.reading import TopicReader, reader
from shared.ids import is_id
from shared.messaging.messages import TOMBSTONE_SEQUENCE, Undecodable, message_of
from shared.mongo.aggregates import Aggregate, Document
from shared.mongo.journal import JOURNAL

# What a job is of that compares them.
OWN = "own"
# The differences that a result lists: enough to see the kind, and a document of bounded size.
SHOWN = 100
# Keys in one query: a thousand ids are some 40 kB.
LOOK = 1000


def check_own(job: Job, context: OpsContext) -> None:
    """Compares each aggregate that the service publishes."""
    results = {}
    for aggregate in context.aggregates:
        if aggregate.topic is not None:
            with reader(context.settings) as consumer:
                newest = _newest(job, TopicReader(consumer, aggregate.topic))
            results[aggregate.name] = _compare(context, aggregate, newest)
    job.end(differs=sum(result["differs"] for result in results.values()), in_flight=0, aggregates=results)


def _newest(job: Job, source: TopicReader) -> dict[str, int]:
    """The highest sequence of each key on the topic."""
    found: dict[str, int] = {}
    for records, _ in source.read(source.beginnings(), source.ends()):
        for record in records:
            try:
                message = message_of(record)
            except Undecodable:
                continue
            found[message.key] = max(message.sequence, found.get(message.key, 0))
        job.step(read=len(records), phase=source.topic)
    return found


def _compare(context: OpsContext, aggregate: Aggregate[Any], newest: dict[str, int]) -> Document:
    keys = sorted(newest)
    differing: dict[str, str] = {}
    for start in range(0, len(keys), LOOK):
        portion = keys[start : start + LOOK]
        found = context.db[aggregate.collection].find({"_id": {"$in": portion}}, {"version": 1})
        versions = {row["_id"]: row["version"] for row in found}
        differing |= {key: what for key in portion if (what := _difference(newest[key], versions.get(key)))}
    missing = [key for key, what in differing.items() if what == "missing"]
    if missing:  # without an index: nothing is missing unless something is wrong, or was erased a moment ago
        tombstones = {"topic": aggregate.topic, "key": {"$in": missing}, "value": None}
        for row in context.db[JOURNAL].find(tombstones, {"key": 1}):
            differing.pop(row["key"], None)
    return {
        "keys": len(newest),
        "differs": len(differing),
        "kinds": dict(Counter(differing.values())),
        "differences": [
            {"key": key if is_id(key) else "(not an id)", "what": what}
            for key, what in sorted(differing.items())[:SHOWN]
        ],
    }


def _difference(sequence: int, version: int | None) -> str | None:
    """`missing` and `older` are lost here and known to others; `erased` is here again though it was erased."""
    if sequence == TOMBSTONE_SEQUENCE:
        return None if version is None else "erased"
    if version is None:
        return "missing"
    return "older" if version < sequence else None

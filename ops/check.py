"""Compares projections with the topics that they follow, and leaves out messages that are still to be handled.

The newest message of each key is held in memory as the document that it should make. A key that differs counts only
when the consumer has passed that message, the topic has nothing newer, and the key still differs.
"""

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import bson
from bson.codec_options import CodecOptions

from ops.context import OpsContext
from ops.jobs import Job
from ops.own import OWN, check_own
from ops.reading import Offsets, TopicReader, reader
from shared.ids import is_id
from shared.messaging.messages import message_of
from shared.messaging.subscriptions import Projection
from shared.mongo.aggregates import Document

# The differences that a result lists: enough to see the kind, and a document of bounded size.
SHOWN = 100
# The lag shows a consumer that is behind for longer than this: the check does not wait for it.
PATIENCE_SECONDS = 60.0
# Keys in one query: a thousand ids are some 40 kB.
LOOK = 1000
OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True)


@dataclass(frozen=True, slots=True)
class Expected:
    """The document (BSON) that the newest message of a key makes, and where that message stands."""

    sequence: int
    document: bytes
    partition: int
    offset: int


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A document that differs from its topic: `missing`, `older`, `newer`, `differs` in `fields`, `unknown`."""

    key: str
    what: str
    fields: list[str]


def check(job: Job, context: OpsContext) -> None:
    """Compares the projection that the job names, or all; or the service's own things."""
    if job["of"] == OWN:
        check_own(job, context)
        return
    names = [job["of"]] if job["of"] != "all" else list(context.projections)
    results = {}
    for name in names:
        topic, projection = context.projection(name)
        with reader(context.settings) as consumer:
            results[name] = _Comparison(job, context, projection, TopicReader(consumer, topic)).run()
    job.end(
        differs=sum(result["differs"] for result in results.values()),
        in_flight=sum(result["in_flight"] for result in results.values()),
        projections=results,
    )


class _Comparison:
    """One projection against its topic."""

    def __init__(self, job: Job, context: OpsContext, projection: Projection, source: TopicReader) -> None:
        self.job = job
        self.context = context
        self.projection = projection
        self.source = source
        self.expected: dict[str, Expected] = {}
        self.unusable = 0
        self.reached: Offsets = source.beginnings()

    def run(self) -> Document:
        self._read_on()
        differing = self._differences(set(self.expected) | self._extra_keys())
        deadline = time.monotonic() + PATIENCE_SECONDS
        sure: dict[str, Difference] = {}
        while differing:
            before = {key: self.expected.get(key) for key in differing}
            offsets = self.context.offsets(self.source.topic)
            passed = {
                key
                for key, newest in before.items()
                if newest is None or offsets.get(newest.partition, 0) > newest.offset
            }
            self._read_on()
            again = self._differences(set(differing))
            sure = {
                key: difference
                for key, difference in again.items()
                if key in passed and self.expected.get(key) == before[key]
            }
            differing = again
            if len(sure) == len(again) or time.monotonic() > deadline:
                break
            self.job.step()
            time.sleep(0.2)
        return {
            "keys": len(self.expected),
            "differs": len(sure),
            "in_flight": len(differing) - len(sure),
            "unusable": self.unusable,
            "kinds": dict(Counter(difference.what for difference in sure.values())),
            "differences": [
                {"key": key if is_id(key) else "(not an id)", "what": difference.what, "fields": difference.fields}
                for key, difference in sorted(sure.items())[:SHOWN]
            ],
        }

    def _read_on(self) -> None:
        for records, reached in self.source.read(self.reached, self.source.ends()):
            for record in records:
                self._take(record)
            self.reached = reached
            self.job.step(read=len(records), phase=self.projection.collection)

    def _take(self, record: Any) -> None:
        try:
            document = self.projection.document(message_of(record))
        except Exception:  # noqa: BLE001 - any failure is this record's own
            self.unusable += 1
            return
        known = self.expected.get(document["_id"])
        if known is None or known.sequence <= document["sequence"]:
            self.expected[document["_id"]] = Expected(
                document["sequence"], bson.encode(document), record.partition, record.offset
            )

    def _extra_keys(self) -> set[str]:
        """The keys that only the projection has, without erased ones: their tombstones may be compacted away."""
        found = self.context.db[self.projection.collection].find({"erased": {"$ne": True}}, {"_id": 1})
        return {row["_id"] for row in found} - set(self.expected)

    def _differences(self, keys: set[str]) -> dict[str, Difference]:
        wanted = sorted(keys)
        differing: dict[str, Difference] = {}
        for start in range(0, len(wanted), LOOK):
            portion = wanted[start : start + LOOK]
            found = self.context.db[self.projection.collection].find({"_id": {"$in": portion}})
            documents = {row["_id"]: row for row in found}
            for key in portion:
                difference = _compare(key, self.expected.get(key), documents.get(key))
                if difference:
                    differing[key] = difference
        return differing


def _compare(key: str, expected: Expected | None, found: Document | None) -> Difference | None:
    if expected is None:
        return None if found is None or found.get("erased") else Difference(key=key, what="unknown", fields=[])
    if found is None:
        return Difference(key=key, what="missing", fields=[])
    wanted: Document = bson.decode(expected.document, codec_options=OPTIONS)
    fields = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name, ...) != found.get(name, ...))
    if not fields:
        return None
    behind = found.get("sequence", 0) - expected.sequence
    return Difference(key=key, what="older" if behind < 0 else "newer" if behind > 0 else "differs", fields=fields)

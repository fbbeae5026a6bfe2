"""Outbox → Kafka: every committed row becomes a record, in commit order, visible once.

A change stream gives the rows in the order of their commits. A batch and the stream's resume token go
into one Kafka transaction, so a restart goes on exactly behind the last committed batch. The lease only
keeps two relays from taking turns; what keeps a relay that woke up late from writing is Kafka's fence on
the `transactional_id`. Whatever fails, the process ends and starts again from the last token.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bson import Timestamp, json_util
from kafka import TopicPartition
from pymongo.errors import OperationFailure, PyMongoError

from shared.ids import utc_now
from shared.messaging.hanging_transactions import abort_hanging_transactions, hanging_transactions
from shared.messaging.kafka_clients import make_consumer, make_producer
from shared.messaging.topics import MAX_MESSAGE_BYTES, relay_offsets
from shared.mongo.aggregates import Document
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL
from shared.settings import Settings
from shared.telemetry.logs import get_logger
from shared.telemetry.metrics import RELAY_DELAY, RELAYED

log = get_logger(__name__)

MAX_ROWS = 2000
MAX_BYTES = 8_000_000
IDLE_SECONDS = 30.0
HISTORY_LOST = 286


class RelayFailed(Exception):
    """A batch was not committed to Kafka, or it is not known whether it was."""


@dataclass(frozen=True)
class Batch:
    """Rows in commit order, and the place in the change stream behind the last of them."""

    rows: Sequence[Document]
    place: Document


class Relay:
    """Carries one service's outbox. Not for several threads.

    `alive` is called at least every few seconds for as long as it is not stuck.
    """

    def __init__(self, db: Database, settings: Settings, *, alive: Callable[[], None] = lambda: None) -> None:
        self.db = db
        self.settings = settings
        self.alive = alive
        self.offsets = TopicPartition(relay_offsets(settings.service), 0)
        self.producer: Any = None
        self.reached: str | None = None
        """The highest id among the rows that it has committed; for show."""

    def run(self, keep_on: Any) -> None:
        """Relays until `keep_on()` is false. Raises on any failure; then a new process must go on."""
        self.alive()
        self.producer = make_producer(
            self.settings,
            self.settings.process_name,
            transactional_id=f"uso.{self.settings.service}.relay",
            batch_size=131072,
            linger_ms=0,
            # What a transaction sleeps when Kafka still completes the one before, which is a matter of milliseconds.
            retry_backoff_ms=5,
            max_request_size=MAX_MESSAGE_BYTES,
            transaction_timeout_ms=15_000,
            delivery_timeout_ms=20_000,
            request_timeout_ms=10_000,
            max_block_ms=20_000,
        )
        self.producer.init_transactions()
        abort_hanging_transactions(self.producer, self.settings)
        place = self._last_place()
        last_commit = time.monotonic()
        for batch in self._batches(place, keep_on):
            self.alive()
            idle = time.monotonic() - last_commit > IDLE_SECONDS
            if idle and not batch.rows and hanging_transactions(self.settings):
                raise RelayFailed("what it has committed was not marked as such")
            if batch.rows or idle:
                self._commit(batch)
                last_commit = time.monotonic()
        self.producer.close(timeout=5)

    def _commit(self, batch: Batch) -> None:
        self.producer.begin_transaction()
        futures = [
            self.producer.send(
                row["topic"],
                key=row["key"].encode() if row["key"] is not None else None,
                value=row["value"],
                headers=[(name, bytes(content)) for name, content in row["headers"]],
            )
            for row in batch.rows
        ]
        place = json_util.dumps(batch.place).encode()
        futures.append(self.producer.send(self.offsets.topic, key=b"place", value=place, partition=0))
        self.producer.flush()
        self._check(futures)
        self.producer.commit_transaction()
        # kafka-python may return from a commit although the records have failed (a fenced producer,
        # for one): only the futures tell the truth.
        self._check(futures)
        if batch.rows:
            self.reached = max(self.reached or "", *(row["_id"] for row in batch.rows))
            RELAYED.labels(self.settings.service).inc(len(batch.rows))
            RELAY_DELAY.labels(self.settings.service).observe(max((utc_now() - batch.rows[0]["at"]).total_seconds(), 0))

    @staticmethod
    def _check(futures: Sequence[Any]) -> None:
        for future in futures:
            if not future.is_done or future.failed():
                raise RelayFailed(f"a record was not acknowledged: {getattr(future, 'exception', None)!r}")

    def _last_place(self) -> Document | None:
        """The place committed last, read after our fence is up: nobody can move it any more."""
        consumer = make_consumer(self.settings, f"{self.settings.process_name}-place")
        try:
            consumer.assign([self.offsets])
            consumer.seek_to_beginning(self.offsets)
            end = consumer.end_offsets([self.offsets])[self.offsets]
            value: bytes | None = None
            deadline = time.monotonic() + 60
            while consumer.position(self.offsets) < end:
                if time.monotonic() > deadline:
                    raise RelayFailed("the relay's place could not be read back within a minute")
                for record in consumer.poll(timeout_ms=200).get(self.offsets, ()):
                    value = record.value
            place: Document | None = None if value is None else json_util.loads(value.decode())
            return place
        finally:
            consumer.close()

    def _batches(self, place: Document | None, keep_on: Any) -> Iterator[Batch]:
        start = _where_to_follow(place)
        if start is not None:
            try:
                yield from self._follow(start, keep_on)
            except OperationFailure as error:
                if error.code != HISTORY_LOST and not error.has_error_label("NonResumableChangeStreamError"):
                    raise
                log.warning("the oplog no longer reaches back to the relay's place: scanning the outbox")
            else:
                return
        for batch in self._scan():
            yield batch
            start = _where_to_follow(batch.place)
        if start is not None:
            yield from self._follow(start, keep_on)

    def _follow(self, start: Document, keep_on: Any) -> Iterator[Batch]:
        """The rows that the change stream brings. One batch is what arrived while the last was committed."""
        pipeline = [
            {"$changeStream": start},
            {"$match": {"operationType": "insert", "fullDocument.topic": {"$type": "string"}}},
            {"$project": {"_id": 1, "fullDocument": 1}},
        ]
        with self.db.client.start_session() as session:
            reply = self._command(
                session, {"aggregate": JOURNAL, "pipeline": pipeline, "cursor": {"batchSize": MAX_ROWS}}
            )
            rows = reply["cursor"]["firstBatch"]
            try:
                while keep_on():
                    token = reply["cursor"]["postBatchResumeToken"]
                    yield from _in_portions([row["fullDocument"] for row in rows], rows, {"token": token})
                    reply = self._command(
                        session,
                        {
                            "getMore": reply["cursor"]["id"],
                            "collection": JOURNAL,
                            "batchSize": MAX_ROWS,
                            "maxTimeMS": 500,
                        },
                    )
                    rows = reply["cursor"]["nextBatch"]
            finally:
                self._close(session, reply["cursor"]["id"])

    def _scan(self) -> Iterator[Batch]:
        """The whole outbox as of one instant, each key's rows in the order of their versions.

        With read concern `majority` a later version can be seen without the earlier one; a snapshot
        has both or neither.
        """
        with self.db.client.start_session(causal_consistency=False) as session:
            reply = self._command(
                session,
                {
                    "find": JOURNAL,
                    "filter": {"topic": {"$type": "string"}},
                    "sort": {"sequence": 1, "_id": 1},
                    "batchSize": MAX_ROWS,
                    "readConcern": {"level": "snapshot"},
                },
            )
            at: Timestamp = reply["cursor"]["atClusterTime"]
            rows = reply["cursor"]["firstBatch"]
            while reply["cursor"]["id"]:
                # No place yet: a relay that dies here scans again, and the newest of each key stays last.
                yield Batch(rows, {"scanning": True})
                reply = self._command(
                    session, {"getMore": reply["cursor"]["id"], "collection": JOURNAL, "batchSize": MAX_ROWS}
                )
                rows = reply["cursor"]["nextBatch"]
            yield Batch(rows, {"after": at})

    def _command(self, session: Any, command: Document) -> Document:
        return dict(self.db.raw.command(command, session=session, codec_options=self.db.raw.codec_options))

    def _close(self, session: Any, cursor: int) -> None:
        if cursor:
            try:
                self._command(session, {"killCursors": JOURNAL, "cursors": [cursor]})
            except PyMongoError as error:
                log.info("the change stream was gone already", error=type(error).__name__)


def _in_portions(documents: Sequence[Document], changes: Sequence[Document], last: Document) -> Iterator[Batch]:
    """Batches of at most MAX_BYTES; an inner one ends at its last row's own token."""
    start, size = 0, 0
    for index, document in enumerate(documents):
        size += len(document["value"] or b"")
        if size >= MAX_BYTES and index + 1 < len(documents):
            yield Batch(documents[start : index + 1], {"token": changes[index]["_id"]})
            start, size = index + 1, 0
    yield Batch(documents[start:], last)


def _where_to_follow(place: Document | None) -> Document | None:
    """The change stream's start for a committed place; None when there is none yet."""
    if place and "token" in place:
        return {"resumeAfter": place["token"]}
    if place and "after" in place:
        return {"startAtOperationTime": Timestamp(place["after"].time, place["after"].inc + 1)}
    return None

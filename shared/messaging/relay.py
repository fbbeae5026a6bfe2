"""Journal → Kafka: every committed row with a topic becomes a record, in commit order, visible once.

A batch and the journal's resume token go into one Kafka transaction, so a restart continues exactly behind the last
committed batch. The lease only keeps two relays from fencing each other in turns. Kafka's fence on the
`transactional_id` keeps a relay that woke up late from writing. After any failure the process ends, and a new process
continues from the last token.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kafka import TopicPartition

from shared.cloudevents import MAX_MESSAGE_BYTES, RECORD_LIMIT_BYTES
from shared.ids import utc_now
from shared.messaging.hanging_transactions import abort_hanging_transactions, hanging_records, hanging_transactions
from shared.messaging.journal_reader import Batch, JournalReader, size_of
from shared.messaging.kafka_clients import make_producer
from shared.messaging.resume_token import ResumeToken, TokenReader, token_key
from shared.messaging.spans import record_relayed
from shared.messaging.topics import relay_offsets
from shared.messaging.unsendable import is_skipped, note_unsendable
from shared.mongo.aggregates import KEPT_FOR, Document
from shared.mongo.database import Database
from shared.settings import Settings
from shared.telemetry.logs import get_logger
from shared.telemetry.metrics import RELAY_BLOCKED, RELAY_DELAY, RELAY_GAPS, RELAYED, TOPICS_REPLACED

log = get_logger(__name__)

# An idle relay commits its token too: the oplog still reaches back to it, and hanging transactions are found.
IDLE_SECONDS = 30.0
BLOCKED_LOOK_SECONDS = 1.0
BLOCKED_LOG_SECONDS = 60.0


class RelayFailed(Exception):
    """A batch was not committed to Kafka, or its outcome is unknown."""


class Relay:
    """Carries one service's journal, or the part of it that a shard has. Not for several threads.

    `alive` is called at least every few seconds while the relay makes progress. There is one shard today. Its number
    is in every name that outlives the process, so that a second shard needs no migration.
    """

    def __init__(
        self, db: Database, settings: Settings, *, shard: int = 0, alive: Callable[[], None] = lambda: None
    ) -> None:
        self.db = db
        self.settings = settings
        self.shard = shard
        self.alive = alive
        self.offsets = TopicPartition(relay_offsets(settings.service), 0)
        self.journal = JournalReader(db)
        self.producer: Any = None
        self.reached: str | None = None
        """The highest id among the committed rows, for operators."""
        self.blocked_by: str | None = None
        """The id of the row that Kafka does not take, before which the relay waits."""
        self._topic_ids: Mapping[str, str] = {}
        self._sent_again: set[bytes] = set()

    def run(self, keep_on: Callable[[], bool]) -> None:
        """Relays until `keep_on()` is false. Raises on any failure: then a new process must continue."""
        self.alive()
        self.producer = self._open(f"uso.{self.settings.service}.relay.{self.shard}")
        left: Sequence[Document] = ()
        if hanging_transactions(self.settings):
            left = hanging_records(self.settings)
            abort_hanging_transactions(self.producer, self.settings)
        token = self._last_token()
        if left:
            self._send_again(left, token)
        last_commit = time.monotonic()
        for batch in self._batches(token, keep_on):
            self.alive()
            idle = time.monotonic() - last_commit > IDLE_SECONDS
            if idle and not batch.rows and hanging_transactions(self.settings):
                raise RelayFailed("committed records were left without markers")
            self._check_topics()
            if batch.rows or batch.progress or idle:
                sendable = self._without_unsendable(batch, keep_on)
                if sendable is None:
                    break
                self._commit(sendable)
                last_commit = time.monotonic()
        self.producer.close(timeout=5)

    def _open(self, transactional_id: str) -> Any:
        """A producer that has fenced every earlier producer with this id, and those of releases without shards."""
        options = {
            "batch_size": 131072,
            "linger_ms": 0,
            # Retry quickly: the broker needs only milliseconds to finish the previous transaction.
            "retry_backoff_ms": 5,
            "max_request_size": MAX_MESSAGE_BYTES,
            "transaction_timeout_ms": 15_000,
            "delivery_timeout_ms": 20_000,
            "request_timeout_ms": 10_000,
            "max_block_ms": 20_000,
        }
        if self.shard == 0:
            old = make_producer(
                self.settings,
                self.settings.process_name,
                transactional_id=transactional_id.rpartition(".")[0],
                **options,
            )
            old.init_transactions()
            old.close(timeout=5)
        made = make_producer(self.settings, self.settings.process_name, transactional_id=transactional_id, **options)
        made.init_transactions()
        return made

    def _last_token(self) -> Document | None:
        """The journal position to continue from. None: from the start."""
        token, self._topic_ids = TokenReader(self.settings, self.shard).read()
        if token is None:
            return None
        anew = [name for name, topic_id in token.topic_ids.items() if self._topic_ids.get(name, topic_id) != topic_id]
        if anew:
            log.critical("topics were lost or made anew: sending the whole journal again", topics=anew)
            for name in anew:
                TOPICS_REPLACED.labels(self.settings.service, name).inc()
            return None
        kept = min(
            (aggregate.history_kept_for for aggregate in self.db.aggregates if aggregate.topic), default=KEPT_FOR
        )
        if token.at and utc_now() - token.at > kept:
            RELAY_GAPS.labels(self.settings.service).inc()
            log.critical(
                "the relay was away for longer than the journal keeps rows: some may have gone unsent; "
                "send the present state of all again (uso ops republish)",
                away_days=(utc_now() - token.at).days,
                kept_days=kept.days,
            )
        return token.position

    def _batches(self, token: Document | None, keep_on: Callable[[], bool]) -> Iterator[Batch]:
        return self.journal.batches(token, keep_on)

    def _send_again(self, records: Sequence[Document], token: Document | None) -> None:
        """Sends the aborted records again, in their order, and keeps the token where it is.

        The markers of a commit may have reached the token and not these records: then no token brings them back. When
        they have not reached the token either, the journal gives the rows again, and they are skipped.
        """
        log.warning("sending aborted records again", count=len(records))
        self._commit(Batch(records, token or {}))
        self._sent_again = {_fingerprint(record) for record in records if record["value"] is not None}

    def _without_unsendable(self, batch: Batch, keep_on: Callable[[], bool]) -> Batch | None:
        """The batch, without a row that is too large and that an operator has skipped; None when the relay must stop.

        It waits for the operator before such a row, which is always alone in its batch. The rows behind it wait too:
        a later version, sent without it, would hide that one is missing.
        """
        if len(batch.rows) != 1 or size_of(batch.rows[0]) <= RECORD_LIMIT_BYTES:
            return batch
        row = batch.rows[0]
        said_at = 0.0
        while not is_skipped(self.db, row["_id"]):
            if not keep_on():
                return None
            if time.monotonic() - said_at > BLOCKED_LOG_SECONDS:
                said_at = time.monotonic()
                self.blocked_by = row["_id"]
                RELAY_BLOCKED.labels(self.settings.service).set(1)
                note_unsendable(self.db, row, size=size_of(row))
                log.critical("a row is too large for Kafka and holds up all others", row=row["_id"], topic=row["topic"])
            self.alive()
            time.sleep(BLOCKED_LOOK_SECONDS)
        self.blocked_by = None
        RELAY_BLOCKED.labels(self.settings.service).set(0)
        log.warning("a row is skipped, as an operator has decided", row=row["_id"], topic=row["topic"])
        return Batch((), batch.token, progress=True)

    def _commit(self, batch: Batch) -> None:
        rows = batch.rows
        if self._sent_again:
            rows = [row for row in rows if not self._was_sent_again(row)]
        self.producer.begin_transaction()
        futures = [
            self.producer.send(
                row["topic"],
                key=row["key"].encode() if row["key"] is not None else None,
                value=row["value"],
                headers=[(name, bytes(content)) for name, content in row["headers"]],
            )
            for row in rows
        ]
        token = ResumeToken(batch.token, self._topic_ids)
        futures.append(
            self.producer.send(self.offsets.topic, key=token_key(self.shard), value=token.encode(), partition=0)
        )
        self.producer.flush()
        self._check(futures)
        self.producer.commit_transaction()
        # kafka-python may return from a commit although the records have failed (a fenced producer, for
        # instance): only the futures show it.
        self._check(futures)
        if batch.rows and "_id" in batch.rows[0]:
            self.reached = max(self.reached or "", *(row["_id"] for row in batch.rows))
            RELAYED.labels(self.settings.service).inc(len(batch.rows))
            record_relayed(rows)
            RELAY_DELAY.labels(self.settings.service).observe(max((utc_now() - batch.rows[0]["at"]).total_seconds(), 0))

    def _check_topics(self) -> None:
        """Raises RelayFailed when a topic has another id than at the start: the next relay begins at the start."""
        for name, topic_id in self._topic_ids.items():
            found = self.producer._metadata.topic_id(name)
            if found is not None and str(found) != topic_id:
                raise RelayFailed(f"{name} was made anew")

    @staticmethod
    def _check(futures: Sequence[Any]) -> None:
        for future in futures:
            if not future.is_done or future.failed():
                raise RelayFailed(f"a record was not acknowledged: {getattr(future, 'exception', None)!r}")

    def _was_sent_again(self, row: Document) -> bool:
        fingerprint = _fingerprint(row)
        if fingerprint not in self._sent_again:
            return False
        self._sent_again.discard(fingerprint)
        return True


def _fingerprint(record: Document) -> bytes:
    """Tells records apart: each message has an id of its own in its value."""
    about = f"{record['topic']}\0{record['key']}\0".encode()
    return hashlib.sha256(about + bytes(record["value"] or b"")).digest()

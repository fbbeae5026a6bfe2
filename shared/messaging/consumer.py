"""Kafka → effects: one poll's records in one MongoDB transaction, exactly once.

The offset of each partition is a row in the service's own database, moved by compare-and-set in the transaction of the
effects (positions.py): a record has its effect once, whoever else believes to own the partition. The offsets committed
to Kafka only show the lag.
"""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from kafka import TopicPartition
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from pymongo.errors import PyMongoError

from shared.backoff import backoff
from shared.cause import own_initiative
from shared.errors import Unavailable
from shared.messaging.backoff import Backoff
from shared.messaging.consumer_report import ConsumerReport
from shared.messaging.dead_letter_limit import DeadLetterLimit
from shared.messaging.dead_letters import DeadLetter, dead_letter
from shared.messaging.kafka_clients import make_consumer
from shared.messaging.kafka_workarounds import is_member, patch_group_join, poll
from shared.messaging.messages import Message, Undecodable, message_of
from shared.messaging.positions import Fenced, Positions
from shared.messaging.rebalance import RebalanceListener
from shared.messaging.records import Record
from shared.messaging.sequence_watch import SequenceWatch
from shared.messaging.spans import record_handled
from shared.messaging.stall_detector import StallDetector
from shared.messaging.subscriptions import SeenBefore, Subscriptions, apply_batch, apply_projections
from shared.mongo.database import Database
from shared.mongo.errors import is_transient
from shared.mongo.unit_of_work import UnitOfWork
from shared.settings import Settings
from shared.telemetry.logs import get_logger
from shared.telemetry.metrics import BATCH_SECONDS, CONSUMED, CONSUMER_HALTED, DEAD_LETTERED

log = get_logger(__name__)

# A handler that fails by chance (a race with another process) does not fail three times. A poisoned message does.
TRIES = 3
# Larger batches are hardly faster, and a larger batch that fails takes longer to halve.
MAX_BATCH = 500
LOOK_SECONDS = 2.0
# A batch too large for a transaction is halved once the database has taken other writes for so long.
BATCH_PATIENCE_SECONDS = 1.0
# A single message that runs into the time limit while others are written becomes a dead letter after five minutes:
# without this limit it would block its partition for ever.
MESSAGE_PATIENCE_SECONDS = 300.0


class Halted(Exception):
    """Too many messages could not be handled: the fault is in this release, not in the messages."""


class Consumer:
    """Reads `subscriptions`' topics for one service. It runs in one thread; any thread may set `stop`.

    `alive` is called every few seconds while that thread makes progress, `applied` after each commit.
    """

    def __init__(
        self,
        db: Database,
        settings: Settings,
        subscriptions: Subscriptions,
        *,
        stop: threading.Event,
        max_batch: int = MAX_BATCH,
        alive: Callable[[], None] = lambda: None,
        applied: Callable[[], None] = lambda: None,
    ) -> None:
        self.db = db
        self.settings = settings
        self.subscriptions = subscriptions
        self.stop = stop
        self.max_batch = max_batch
        self.alive = alive
        self.applied = applied
        self.group = f"uso.{settings.service}"
        self.positions = Positions(db, self.group)
        self.limit = DeadLetterLimit(db, self.group)
        self.halted: str | None = None
        self.joined = False
        self._sequences = SequenceWatch(settings.service)
        self._kafka: Any = None
        self._backoff: Backoff
        self._stalls: StallDetector
        self._looked_at = 0.0
        self._report: ConsumerReport

    @property
    def offsets(self) -> dict[TopicPartition, int]:
        """The offset of each assigned partition up to which all records have had their effect."""
        return self.positions.offsets

    def check(self) -> None:
        """Raises when this consumer does not read."""
        if self.halted:
            raise Halted(self.halted)
        if not self.joined:
            raise Unavailable("It has not joined its consumer group yet.")

    def run(self) -> None:
        """Handles records until `stop` is set. Raises KafkaError when Kafka stays away."""
        self.alive()
        listener = RebalanceListener()
        self._kafka = make_consumer(
            self.settings,
            self.settings.process_name,
            group_id=self.group,
            # Not cooperative: in kafka-python 3.0.12 a member that loses its partitions while joining never asks for
            # the second rebalance, so those partitions stay without a reader. Revoking everything is cheap here:
            # offsets live in MongoDB.
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            max_poll_records=self.max_batch,
            max_poll_interval_ms=300_000,
            session_timeout_ms=15_000,
            heartbeat_interval_ms=2_000,
            metadata_max_age_ms=30_000,
        )
        patch_group_join(self._kafka)
        self.positions.kafka = self._kafka
        self._backoff = Backoff(self._kafka, self.stop, alive=self.alive, takes_writes=self.db.takes_writes)
        self._stalls = StallDetector(self._kafka)
        self._report = ConsumerReport(self._kafka, self.settings.service, list(self.subscriptions))
        try:
            self._kafka.subscribe(list(self.subscriptions), listener=listener)
            while not self.stop.is_set():
                self.alive()
                polled = poll(self._kafka, timeout_ms=100)
                self.joined = self.joined or is_member(self._kafka)
                arrived = listener.drain()
                self.positions.keep_only(set(self._kafka.assignment()))
                unknown = [tp for tp in self._kafka.assignment() if tp not in self.offsets or tp in arrived]
                if unknown:
                    self._load(unknown)
                records = [
                    record
                    for partition, found in polled.items()
                    if partition in self.offsets and partition not in unknown
                    for record in found
                ]
                if records:
                    self._handle(records)
                # After a rebalance the next poll may start elsewhere: progress is checked only when all seeks are done.
                if not listener.has_pending:
                    self._check_progress()
            with contextlib.suppress(PyMongoError):
                self.limit.save()
        finally:
            self._kafka.close()

    def _load(self, partitions: Sequence[TopicPartition]) -> None:
        self._backoff.until_database_answers(partial(self.positions.load, partitions))

    def _handle(self, records: Sequence[Record]) -> None:
        """Applies the records. When another consumer has taken the partitions over, it drops them."""
        portions: list[Sequence[Record]] = [records]
        try:
            self._work_off(portions)
        except Fenced:
            log.warning("another consumer has taken over", partitions=len(self.offsets))
        if portions and not self.stop.is_set():  # Fenced: seek back, so that the rest is read again.
            self._load(list(self.offsets))

    def _work_off(self, portions: list[Sequence[Record]]) -> None:
        """Applies the portion, and halves it after a failure, until the message that fails is alone."""
        tries = 0
        while portions and not self.stop.is_set():
            self.alive()
            portion = portions[0]
            try:
                messages = [message_of(record) for record in portion]
                began_at = time.time()
                with BATCH_SECONDS.labels(self.settings.service).time():
                    self._backoff.until_database_answers(
                        partial(self._apply, _behind(portion), messages),
                        patience=MESSAGE_PATIENCE_SECONDS if len(portion) == 1 else BATCH_PATIENCE_SECONDS,
                    )
            except Fenced:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a handler raises may be the message's fault
                if self.stop.is_set() and is_transient(error):
                    return
                if len(portion) > 1:
                    half = len(portion) // 2
                    portions[0:1] = [portion[:half], portion[half:]]
                    continue
                tries += 1
                if tries < TRIES and not is_transient(error):
                    self._backoff.pause(backoff(tries, first=0.1, most=1.0))
                    continue
                self._store_dead_letter(portion[0], error, tries)
            else:
                record_handled(self.group, messages, began_at)
                self.limit.handled(len(portion))
                self._sequences.look(messages)
                for topic, count in Counter(record.topic for record in portion).items():
                    CONSUMED.labels(self.settings.service, topic).inc(count)
            tries = 0
            portions.pop(0)

    def _apply(self, reached: Mapping[TopicPartition, int], messages: Sequence[Message]) -> None:
        try:
            self._commit(reached, partial(apply_batch, self.subscriptions, messages=messages, ask_seen=False))
        except SeenBefore:
            self._commit(reached, partial(apply_batch, self.subscriptions, messages=messages))

    def _commit(self, reached: Mapping[TopicPartition, int], apply: Callable[[UnitOfWork], None]) -> None:
        """Commits the effects and the partitions' new offsets in one transaction."""

        def work(uow: UnitOfWork) -> None:
            self._move(uow, reached)
            apply(uow)

        self.db.transact(work, cause=own_initiative(self.group))
        self.offsets.update(reached)
        self.applied()

    def _move(self, uow: UnitOfWork, reached: Mapping[TopicPartition, int]) -> None:
        self.positions.move(uow, reached)

    def _store_dead_letter(self, record: Record, error: Exception, tries: int) -> None:
        """Stores the record, unchanged, as a dead letter and moves the offset, in one transaction.

        The projections take the message all the same: a policy that fails must not leave a projection behind. When
        the projection itself fails, only the dead letter is stored.
        """
        if why := self._limit_exceeded():
            self._halt(f"{why}, the last for {type(error).__name__}")
        location = f"{record.topic}/{record.partition}/{record.offset}"
        log.error("message not handled", location=location, error=type(error).__name__, exc_info=error)
        letter = dead_letter(record, error, tries=tries, service=self.settings.service, group=self.group)
        store = partial(self._commit, _behind([record]), partial(self._store, letter, record))
        try:
            self._backoff.until_database_answers(store, patience=MESSAGE_PATIENCE_SECONDS)
        except Fenced:
            raise
        except Exception as second:
            if self.stop.is_set() and is_transient(second):
                raise
            self._backoff.until_database_answers(
                partial(self._commit, _behind([record]), partial(self._store, letter, None))
            )
        self.limit.added()
        DEAD_LETTERED.labels(self.settings.service, record.topic).inc()

    def _limit_exceeded(self) -> str | None:
        found: list[str | None] = []
        self._backoff.until_database_answers(lambda: found.append(self.limit.exceeded()))
        return found[-1]

    def _store(self, letter: DeadLetter, record: Record | None, uow: UnitOfWork) -> None:
        if record is not None:
            with contextlib.suppress(Undecodable):
                apply_projections(self.subscriptions, uow, [message_of(record)])
        self.limit.add(uow)
        letter.store(uow)

    def _halt(self, why: str) -> None:
        self.halted = why
        CONSUMER_HALTED.labels(self.settings.service).set(1)
        log.critical("consumer halted", why=why)
        self._backoff.until_stopped()
        raise Halted(why)

    def _check_progress(self) -> None:
        """Every two seconds: moves past transaction markers, reports the lag, checks that reading makes progress."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        if replaced := self.positions.replaced():
            self._load(replaced)
        self._backoff.until_database_answers(self.limit.save)
        reached = self._stalls.check(self.offsets, joined=is_member(self._kafka))
        passed = {tp: offset for tp, offset in reached.items() if offset > self.offsets[tp]}
        if passed:
            try:
                self._backoff.until_database_answers(lambda: self._commit(passed, lambda _: None))
            except Fenced:
                self._load(list(self.offsets))
        self._report.show(self.offsets)


def _behind(records: Sequence[Record]) -> dict[TopicPartition, int]:
    """The offset behind the last record of each partition."""
    return {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}

"""Kafka → effects: one poll's records in one MongoDB transaction, exactly once.

The place in each partition is a row in the service's own database, moved by compare-and-set in the
transaction of the effects: a record has its effect once, whoever else believes to own the partition.
The offsets committed to Kafka only show the lag.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from kafka import OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import KafkaError
from pymongo import InsertOne, UpdateOne

from shared.cause import own_initiative
from shared.errors import Unavailable
from shared.messaging.backoff import Backoff
from shared.messaging.dead_letters import dead_letter
from shared.messaging.kafka_clients import make_consumer
from shared.messaging.kafka_workarounds import is_member, patch_group_join, poll
from shared.messaging.messages import Message, decode
from shared.messaging.rebalance import RebalanceListener
from shared.messaging.stall_detector import StallDetector
from shared.messaging.subscriptions import Subscriptions, apply_batch
from shared.mongo.database import OFFSETS, Database
from shared.mongo.unit_of_work import UnitOfWork
from shared.settings import Settings
from shared.telemetry.logs import get_logger
from shared.telemetry.metrics import BATCH_SECONDS, CONSUMED, CONSUMER_HALTED, CONSUMER_LAG, DEAD_LETTERED

log = get_logger(__name__)

TRIES = 3
DEAD_IN_A_ROW_LIMIT = 20
MAX_BATCH = 500
LOOK_SECONDS = 2.0


class Halted(Exception):
    """Too many messages in a row could not be handled: something is wrong here, not with them."""


class Fenced(Exception):
    """Another consumer has moved the partition's place: it is not ours any more."""


class Consumer:
    """Reads `subscriptions`' topics for one service. Runs in one thread; `stop` may be set from any.

    `alive` is called every few seconds for as long as that thread is not stuck.
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
    ) -> None:
        self.db = db
        self.settings = settings
        self.subscriptions = subscriptions
        self.stop = stop
        self.max_batch = max_batch
        self.alive = alive
        self.group = f"uso.{settings.service}"
        self.places: dict[TopicPartition, int] = {}
        self.dead_in_a_row = 0
        self.halted: str | None = None
        self.joined = False
        self._kafka: Any = None
        self._waiting: Any = None
        self._progress: Any = None
        self._looked_at = 0.0

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
            # Not a cooperative one: a member that loses its partitions while it joins then asks for no second round,
            # and what it was to hand over belongs to nobody. To give all away costs little: places are in the database.
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            max_poll_records=self.max_batch,
            max_poll_interval_ms=300_000,
            session_timeout_ms=15_000,
            heartbeat_interval_ms=2_000,
            metadata_max_age_ms=30_000,
        )
        patch_group_join(self._kafka)
        self._waiting = Backoff(self._kafka, self.stop, alive=self.alive)
        self._progress = StallDetector(self._kafka)
        try:
            self._kafka.subscribe(list(self.subscriptions), listener=listener)
            while not self.stop.is_set():
                self.alive()
                polled = poll(self._kafka, timeout_ms=100)
                self.joined = self.joined or is_member(self._kafka)
                arrived = listener.take()
                for partition in set(self.places) - set(self._kafka.assignment()):
                    del self.places[partition]
                unplaced = [tp for tp in self._kafka.assignment() if tp not in self.places or tp in arrived]
                if unplaced:
                    self._waiting.until_database_answers(lambda: self._take_places(unplaced))  # noqa: B023 - called at once
                records = [
                    record
                    for partition, found in polled.items()
                    if partition in self.places and partition not in unplaced
                    for record in found
                ]
                if records:
                    self._handle(records)
                if not listener.has_more:  # else what is read next is not behind our places
                    self._look_around()
        finally:
            self._kafka.close()

    def _take_places(self, partitions: Sequence[TopicPartition]) -> None:
        """Seeks to what the database says; it alone knows what has had its effect."""
        rows = {
            row["_id"]: row["next"]
            for row in self.db[OFFSETS].find({"_id": {"$in": [self._row(tp) for tp in partitions]}})
        }
        for partition in partitions:
            place = rows.get(self._row(partition))
            if place is None:
                place = self._kafka.beginning_offsets([partition])[partition]
            self.places[partition] = place
            self._kafka.seek(partition, place)

    def _handle(self, records: Sequence[Any]) -> None:
        """Applies the records; what another has done meanwhile is left to it."""
        portions: list[Sequence[Any]] = [records]
        try:
            self._work_off(portions)
        except Fenced:
            log.warning("another consumer has taken over", partitions=len(self.places))
        if portions:  # overtaken, or stopped half-way: what is left is read again by whoever comes next
            self._take_places(list(self.places))

    def _work_off(self, portions: list[Sequence[Any]]) -> None:
        """Halves a portion that fails until the guilty one stands alone."""
        tries = 0
        while portions and not self.stop.is_set():
            self.alive()
            portion = portions[0]
            try:
                with BATCH_SECONDS.labels(self.settings.service).time():
                    self._waiting.until_database_answers(
                        partial(self._commit, _behind(portion), self._applying(portion))
                    )
            except Fenced:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a handler raises may be the message's fault
                if len(portion) > 1:
                    half = len(portion) // 2
                    portions[0:1] = [portion[:half], portion[half:]]
                    continue
                tries += 1
                if tries < TRIES:
                    self._waiting.pause(0.05 * 2**tries)
                    continue
                self._bury(portion[0], error, tries)
            else:
                self.dead_in_a_row = 0 if len(portion) else self.dead_in_a_row
                for topic, count in Counter(record.topic for record in portion).items():
                    CONSUMED.labels(self.settings.service, topic).inc(count)
            tries = 0
            portions.pop(0)

    def _applying(self, records: Sequence[Any]) -> Callable[[UnitOfWork], None]:
        messages = [_read(record) for record in records]
        return lambda work: apply_batch(self.subscriptions, work, messages)

    def _commit(self, reached: Mapping[TopicPartition, int], apply: Callable[[UnitOfWork], None]) -> None:
        """The effects and the partitions' new places, together."""

        def work(uow: UnitOfWork) -> None:
            self._move(uow, reached)
            apply(uow)

        self.db.transact(work, cause=own_initiative(self.group))
        self.places.update(reached)

    def _move(self, uow: UnitOfWork, reached: Mapping[TopicPartition, int]) -> None:
        operations = []
        for partition, place in reached.items():
            operations.append(
                UpdateOne(
                    {"_id": self._row(partition), "next": self.places[partition]},
                    {"$set": {"next": place, "at": uow.now}},
                )
            )
        result = self.db[OFFSETS].bulk_write(operations, session=uow.session)
        if result.matched_count == len(operations):
            return
        rows = {row["_id"] for row in uow.find(OFFSETS, {"_id": {"$in": [self._row(tp) for tp in reached]}})}
        # Not even a row that stands where we are going is ours: the effects up to there are somebody's already,
        # or our own of a commit whose outcome we never heard.
        if len(rows) > result.matched_count:
            raise Fenced
        for partition, place in reached.items():
            if self._row(partition) not in rows:
                uow.write(OFFSETS, InsertOne({"_id": self._row(partition), "next": place, "at": uow.now}))

    def _bury(self, record: Any, error: Exception, tries: int) -> None:
        """Puts the record, unchanged, among the dead letters, and moves on; both or neither."""
        self.dead_in_a_row += 1
        if self.dead_in_a_row > DEAD_IN_A_ROW_LIMIT:
            self._halt(
                f"{DEAD_IN_A_ROW_LIMIT} messages in a row could not be handled, the last for {type(error).__name__}"
            )
        where = f"{record.topic}/{record.partition}/{record.offset}"
        log.error("message not handled", where=where, error=type(error).__name__, exc_info=error)
        letter = dead_letter(record, error, tries=tries, service=self.settings.service, group=self.group)
        self._waiting.until_database_answers(lambda: self._commit(_behind([record]), letter.store))
        DEAD_LETTERED.labels(self.settings.service, record.topic).inc()

    def _halt(self, why: str) -> None:
        self.halted = why
        CONSUMER_HALTED.labels(self.settings.service).set(1)
        log.critical("consumer halted", why=why)
        self._waiting.for_the_end()
        raise Halted(why)

    def _look_around(self) -> None:
        """Every two seconds: passes what is no record, shows the lag, and makes sure that there is progress."""
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        reached = self._progress.look(self.places, joined=is_member(self._kafka))
        passed = {tp: place for tp, place in reached.items() if place > self.places[tp]}
        if passed:
            try:
                self._waiting.until_database_answers(lambda: self._commit(passed, lambda _: None))
            except Fenced:
                self._take_places(list(self.places))
        self._show_lag()

    def _show_lag(self) -> None:
        lag: dict[str, int] = {}
        for partition, place in self.places.items():
            behind = max((self._kafka.highwater(partition) or place) - place, 0)
            lag[partition.topic] = lag.get(partition.topic, 0) + behind
        for topic, behind in lag.items():
            CONSUMER_LAG.labels(self.settings.service, topic).set(behind)
        if self.places:
            offsets = {tp: OffsetAndMetadata(place, "", -1) for tp, place in self.places.items()}
            try:
                self._kafka.commit_async(offsets)
            except KafkaError as error:
                log.info("lag not shown to Kafka", error=type(error).__name__)

    def _row(self, partition: TopicPartition) -> str:
        return f"{self.group}/{partition.topic}/{partition.partition}"


def _behind(records: Sequence[Any]) -> dict[TopicPartition, int]:
    """The places behind the last of the records."""
    return {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}


def _read(record: Any) -> Message:
    return decode(record.value, key=record.key, topic=record.topic, partition=record.partition, offset=record.offset)

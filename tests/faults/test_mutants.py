"""Relays and consumers with one safeguard taken out: what each is for, and that a check like ours sees it missing."""

import threading
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.errors import InvalidProducerEpochError
from pymongo import InsertOne, UpdateOne

from shared.ids import new_id, utc_now
from shared.messaging.consumer import Consumer
from shared.messaging.journal_reader import JournalReader
from shared.messaging.messages import Message, message_of
from shared.messaging.relay import Relay, RelayFailed
from shared.messaging.subscriptions import Policy
from shared.mongo.database import OFFSETS
from shared.mongo.unit_of_work import JOURNAL, UnitOfWork
from tests.faults.checker.log import log
from tests.faults.observed import Observed, Record
from tests.shared.conftest import in_thread
from tests.shared.test_consumer import record
from tests.support import wait_for


class Unchecking(Relay):
    """Takes Kafka's word for a commit, and looks at no future."""

    @staticmethod
    def _check(futures: Any) -> None:
        pass


class UnsnapshottedReader(JournalReader):
    """Scans the journal as it looks at each moment, not as of one instant."""

    def _command(self, session: Any, command: dict[str, Any]) -> dict[str, Any]:
        if "find" not in command:
            return super()._command(session, command)
        reply = super()._command(session, {**command, "readConcern": {"level": "majority"}})
        reply["cursor"]["atClusterTime"] = reply["operationTime"]
        return reply


class Uncompared(Consumer):
    """Moves the place of a partition without asking whether it is still where it was."""

    def _move(self, uow: UnitOfWork, reached: Any) -> None:
        rows = [
            UpdateOne({"_id": self.positions.row_id(partition)}, {"$set": {"next": place}}, upsert=True)
            for partition, place in reached.items()
        ]
        uow.write(OFFSETS, *rows)


# The relay's look at its futures


def newest(service: SimpleNamespace) -> str:
    """The highest id in the outbox."""
    return max(row["_id"] for row in service.db[JOURNAL].find({}, {"_id": 1}))


def what_a_relay_does_whose_records_fail(service: SimpleNamespace, write: Any, relay: Relay) -> BaseException | None:
    """Records fail and the commit returns all the same, as kafka-python's was seen to do behind a long pause."""
    stop = threading.Event()
    with in_thread(lambda: relay.run(lambda: not stop.is_set())) as state:
        write(service, 5)
        wait_for(lambda: relay.reached == newest(service), what="the relay to carry the first rows")
        send = relay.producer.send
        failed = SimpleNamespace(is_done=True, failed=lambda: True, exception=InvalidProducerEpochError())
        relay.producer.send = lambda topic, **record: send(topic, **record) if topic == relay.offsets.topic else failed
        write(service, 5)
        wait_for(
            lambda: state.error or relay.reached == newest(service), what="the relay to end, or to believe it went on"
        )
        stop.set()
        state.thread.join(20)
    error: BaseException | None = state.error
    return error


def test_a_relay_whose_records_fail_ends_and_its_successor_carries_them(
    service: SimpleNamespace, write: Any, relaying: Any, read_topic: Any
) -> None:
    relay = Relay(service.db, service.settings)
    assert isinstance(what_a_relay_does_whose_records_fail(service, write, relay), RelayFailed)
    with relaying(service):
        wait_for(lambda: not broken_of(service, read_topic, "things"), seconds=60)


def test_a_relay_that_looks_at_no_future_loses_them(
    service: SimpleNamespace, write: Any, relaying: Any, read_topic: Any
) -> None:
    relay = Unchecking(service.db, service.settings)
    assert what_a_relay_does_whose_records_fail(service, write, relay) is None
    with relaying(service):
        write(service, 5)
        wait_for(lambda: len(read_topic(service.settings, service.topic)) == 10, seconds=60)
    assert "every committed change is on its topic (lost)" in broken_of(service, read_topic, "things")


# The relay's snapshot


def scanned_while_others_write(service: SimpleNamespace, reader: type[JournalReader]) -> set[str]:
    """Ids that a relay without a place finds neither in its scan nor in the stream behind it."""
    rows = [_row(service) for _ in range(20_000)]
    service.db[JOURNAL].insert_many(rows, ordered=False)
    stop = threading.Event()
    threads = [threading.Thread(target=_keep_writing, args=(service, stop), daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    found: list[str] = []
    try:
        batches = reader(service.db).batches(None, lambda: True)
        quiet = 0
        for batch in batches:
            found += [row["_id"] for row in batch.rows]
            if len(found) > len(rows):
                stop.set()
            quiet = 0 if batch.rows or not stop.is_set() else quiet + 1
            if quiet > 2:
                break
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not [key for key, count in Counter(found).items() if count > 1]
    return {row["_id"] for row in service.db[JOURNAL].find({}, {"_id": 1})} - set(found)


def test_a_scan_of_one_instant_loses_nothing_while_others_write(service: SimpleNamespace) -> None:
    assert scanned_while_others_write(service, JournalReader) == set()


def test_a_scan_without_a_snapshot_does(service: SimpleNamespace) -> None:
    wait_for(lambda: _lost_or_doubled(service), seconds=100, what="the scan without a snapshot to lose something")


def _lost_or_doubled(service: SimpleNamespace) -> bool:
    service.db[JOURNAL].delete_many({})
    try:
        return bool(scanned_while_others_write(service, UnsnapshottedReader))
    except AssertionError:
        return True


def _keep_writing(service: SimpleNamespace, stop: threading.Event) -> None:
    while not stop.is_set():
        service.db[JOURNAL].insert_one(_row(service))


def _row(service: SimpleNamespace) -> dict[str, Any]:
    about = {"topic": service.topic, "key": "k", "value": b"{}", "headers": [], "sequence": 1}
    return {"_id": new_id(), "at": utc_now(), **about}


# The consumer's compare-and-set


class _Held(Consumer):
    """Stands still between reading a batch and handling it, as a process does that was suspended."""

    def hold(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def _handle(self, records: Any) -> None:
        self.held = records
        self.reached.set()
        assert self.go_on.wait(30)
        super()._handle(records)


class _HeldUncompared(_Held, Uncompared):
    pass


def effects_when_overtaken(service: SimpleNamespace, produce: Any, make: Callable[..., _Held]) -> Counter[str]:
    """A consumer is suspended with ten records in hand, another handles them, and the first wakes up."""

    def note(uow: UnitOfWork, message: Message) -> None:
        uow.write("effects", InsertOne({"message": message.id}))

    # Another name for each: what is looked at here is the place, not the ids of messages seen.
    policies = [
        {service.topic: [Policy(name=name, types=frozenset({"thing.updated"}), handle=note)]} for name in ("a", "b")
    ]
    produce([record("k", number) for number in range(1, 11)])
    stop = threading.Event()
    late = make(service.db, service.settings, policies[0], stop=stop)
    late.hold()
    with in_thread(late.run):
        assert late.reached.wait(60)
        other = Consumer(service.db, service.settings, policies[1], stop=stop)
        other.positions.offsets = dict(late.offsets)
        partition = next(iter({(record.topic, record.partition) for record in late.held}))
        reached = {tp: late.held[-1].offset + 1 for tp in late.offsets if (tp.topic, tp.partition) == partition}
        other._apply(reached, [message_of(record) for record in late.held])
        late.go_on.set()
        produce([record("end", 1)])
        wait_for(lambda: service.db["effects"].find_one({"message": "end-1"}), seconds=60)
        stop.set()
    return Counter(row["message"] for row in service.db["effects"].find())


def test_a_consumer_that_was_overtaken_does_nothing_again(service: SimpleNamespace, produce: Any) -> None:
    assert set(effects_when_overtaken(service, produce, _Held).values()) == {1}


def test_a_consumer_that_does_not_compare_does_it_again(service: SimpleNamespace, produce: Any) -> None:
    effects = effects_when_overtaken(service, produce, _HeldUncompared)
    assert {key for key, count in effects.items() if count == 2} == {f"k-{number}" for number in range(1, 11)}


def broken_of(service: SimpleNamespace, read_topic: Any, name: str) -> set[str]:
    """What the checker says of the service's outbox and this topic."""
    topic = f"uso.{service.name}.{name}.v1"
    rows = [{"_id": row["_id"], "topic": row["topic"]} for row in service.db[JOURNAL].find({"topic": topic})]
    records = [
        Record(topic=topic, partition=record.partition, offset=record.offset, key="k", value=record.value)
        for record in read_topic(service.settings, topic)
    ]
    observed = Observed(databases={service.name: {"journal": rows}}, records=records)
    return {verdict.name for verdict in log(observed) if verdict.broken}


@pytest.fixture(autouse=True)
def _effects(service: SimpleNamespace) -> None:
    assert "effects" in service.db.raw.list_collection_names()

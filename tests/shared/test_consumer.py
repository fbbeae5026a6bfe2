"""The consumer on real Kafka and MongoDB: effects exactly once, poison set apart, nothing lost."""

import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo import InsertOne

from shared.errors import Unavailable
from shared.messaging.consumer import Consumer, Halted
from shared.messaging.messages import Message
from shared.messaging.subscriptions import Policy, Projection
from shared.messaging.topics import dead_letters
from shared.mongo.database import DEAD_LETTERS, JOURNAL
from shared.mongo.unit_of_work import UnitOfWork
from tests.shared.conftest import in_thread
from tests.support import wait_for


def record(key: str, sequence: int, **state: Any) -> tuple[bytes, bytes]:
    document = {
        "specversion": "1.0",
        "id": f"{key}-{sequence}",
        "type": "fi.uso.thing.updated",
        "sequence": sequence,
        "data": {"state": {"id": key, "version": sequence, **state}, "change": {}},
        "a_field_of_tomorrow": True,
    }
    return key.encode(), json.dumps(document).encode()


def note_effect(uow: UnitOfWork, message: Message) -> None:
    """An effect that is not idempotent: a new row for each handling."""
    if message.state and message.state.get("bad"):
        raise RuntimeError("cannot be handled")
    uow.write("effects", InsertOne({"message": message.id, "sequence": message.sequence}))


COPY = Projection(collection="copies")
EFFECT = Policy(name="note", types=frozenset({"thing.updated"}), handle=note_effect)


def effects(service: SimpleNamespace) -> Counter[str]:
    return Counter(row["message"] for row in service.db["effects"].find())


def test_messages_reach_copy_and_policy_once(service: SimpleNamespace, produce: Any, consuming: Any) -> None:
    produce([record(f"k{number % 7}", number // 7 + 1, n=number) for number in range(700)])
    with consuming(service, {service.topic: [COPY, EFFECT]}):
        wait_for(lambda: sum(effects(service).values()) >= 700)
    assert set(effects(service).values()) == {1}
    assert {row["_id"]: row["sequence"] for row in service.db["copies"].find()} == {f"k{n}": 100 for n in range(7)}


def test_a_restart_repeats_nothing_and_leaves_nothing_out(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    for first in (1, 101, 201):
        produce([record("k", number) for number in range(first, first + 100)])
        with consuming(service, {service.topic: [EFFECT]}):
            wait_for(lambda first=first: sum(effects(service).values()) >= first + 99)
    assert len(effects(service)) == 300
    assert set(effects(service).values()) == {1}


def test_the_same_message_at_another_offset_has_no_second_effect(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    produce([record("k", 1), record("k", 1), record("k", 2)])
    produce([record("k", 1), record("end", 1)])
    with consuming(service, {service.topic: [EFFECT]}):
        wait_for(lambda: "end-1" in effects(service) and "k-2" in effects(service))
        wait_for(lambda: len(effects(service)) == 3)
    assert set(effects(service).values()) == {1}


def test_an_older_message_does_not_overwrite_a_newer_one(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    produce([record("k", 5, n="new")])
    produce([record("k", 3, n="old")])
    produce([record("k", 4, n="old too"), record("k", 1, n="oldest")])
    with consuming(service, {service.topic: [COPY, EFFECT]}, max_batch=1):
        wait_for(lambda: len(effects(service)) == 4)
    assert service.db["copies"].find_one({"_id": "k"})["n"] == "new"


def test_a_tombstone_leaves_nothing_but_the_id_even_when_older_messages_come_again(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    produce([record("k", 1, name="Aino"), (b"k", None), record("k", 1, name="Aino")])
    with consuming(service, {service.topic: [COPY, EFFECT]}, max_batch=1):
        wait_for(lambda: (service.db["copies"].find_one({"_id": "k"}) or {}).get("erased"))
    assert "name" not in service.db["copies"].find_one({"_id": "k"})


def test_only_the_guilty_message_becomes_a_dead_letter(service: SimpleNamespace, produce: Any, consuming: Any) -> None:
    good = [record("k", number) for number in range(1, 200)]
    garbage = (b"k", b"\xff not json")
    unhandled = record("k", 200, bad=True)
    produce([*good[:50], garbage, *good[50:150], unhandled, *good[150:]])
    with consuming(service, {service.topic: [COPY, EFFECT]}):
        wait_for(lambda: len(effects(service)) == 199)
        wait_for(lambda: service.db[DEAD_LETTERS].count_documents({}) == 2)
    assert set(effects(service).values()) == {1}
    letters = list(service.db[JOURNAL].find({"topic": dead_letters(service.name)}).sort("_id", 1))
    assert [bytes(letter["value"]) for letter in letters] == [garbage[1], unhandled[1]]
    headers = {name: bytes(value).decode() for name, value in letters[0]["headers"]}
    assert headers["dead-letter-topic"] == service.topic
    assert headers["dead-letter-error"] == "Undecodable"
    assert int(headers["dead-letter-tries"]) >= 1


def test_too_many_dead_letters_in_a_row_stop_the_consumer(
    service: SimpleNamespace, produce: Any, consuming: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.dead_letter_limit.RUN_LIMIT", 3)
    produce([record("k", number, bad=True) for number in range(1, 10)])
    with consuming(service, {service.topic: [EFFECT]}) as consumer:
        wait_for(lambda: consumer.halted, seconds=60)
        with pytest.raises(Halted):
            consumer.check()
        assert service.db[DEAD_LETTERS].count_documents({}) == 3


def test_members_that_come_and_go_share_the_work_without_doubles(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    subscriptions = {service.topic: [EFFECT]}
    produce([record(f"k{number % 10}", number // 10 + 1) for number in range(1000)])
    with consuming(service, subscriptions, max_batch=20):
        wait_for(lambda: len(effects(service)) >= 100)
        with consuming(service, subscriptions, max_batch=20):
            produce([record(f"m{number % 10}", number // 10 + 1) for number in range(1000)])
            wait_for(lambda: len(effects(service)) >= 1500, seconds=60)
        produce([record(f"n{number % 10}", number // 10 + 1) for number in range(200)])
        wait_for(lambda: len(effects(service)) == 2200, seconds=60)
    assert set(effects(service).values()) == {1}


class _Unheard(Consumer):
    """Hears nothing of how its first commits ended, as when the primary dies right behind them."""

    unheard = 3

    def _commit(self, *arguments: Any) -> None:
        before = dict(self.positions.offsets)
        super()._commit(*arguments)
        if self.unheard:
            self.unheard -= 1
            self.positions.offsets = before
            raise Unavailable("The database cannot be reached at the moment.")


@dataclass(frozen=True)
class _Uncounted:
    """A handler that would have its effect each time that it is called."""

    name = "uncounted"

    def apply(self, uow: UnitOfWork, messages: Sequence[Message]) -> None:
        for message in messages:
            note_effect(uow, message)


def test_a_commit_whose_outcome_was_never_heard_is_not_done_again(service: SimpleNamespace, produce: Any) -> None:
    produce([record("k", 1), (b"k", b"no JSON"), record("k", 2), (b"k", b"none either"), record("k", 3)])
    stop = threading.Event()
    consumer = _Unheard(service.db, service.settings, {service.topic: [_Uncounted()]}, stop=stop, max_batch=1)
    with in_thread(consumer.run) as state:
        wait_for(lambda: effects(service)["k-3"] or state.error, seconds=60)
        stop.set()
        state.thread.join(15)
    assert state.error is None
    assert effects(service) == {"k-1": 1, "k-2": 1, "k-3": 1}
    assert service.db[DEAD_LETTERS].count_documents({}) == 2


class _Forgetful(Consumer):
    """Loses its partitions while it joins its group again, as after a session that ran out."""

    def forget_while_joining(self) -> None:
        coordinator = self._kafka._coordinator
        complete = coordinator._on_join_complete_async

        async def lose_them_first(*arguments: Any) -> None:
            self._kafka._subscription.assign_from_subscribed([])
            await complete(*arguments)

        coordinator._on_join_complete_async = lose_them_first


def test_a_member_that_loses_its_partitions_while_it_joins_leaves_none_without_a_reader(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    subscriptions = {service.topic: [EFFECT]}
    produce([record(f"k{number}", 1) for number in range(20)])
    stop = threading.Event()
    forgetful = _Forgetful(service.db, service.settings, subscriptions, stop=stop)
    with in_thread(forgetful.run) as state:
        wait_for(lambda: len(effects(service)) == 20, seconds=60)
        forgetful.forget_while_joining()
        with consuming(service, subscriptions) as other:
            wait_for(lambda: other.positions.offsets, seconds=60, what="the second member to be given something")
            produce([record(f"m{number}", 1) for number in range(20)])
            wait_for(lambda: len(effects(service)) == 40, seconds=60)
            stop.set()
            state.thread.join(15)
    assert set(effects(service).values()) == {1}


class _Reassigned(Consumer):
    """Loses its partitions and gets them back while it waits in a batch; what it polls meanwhile is dropped."""

    was_away = False

    def _handle(self, records: Sequence[Any]) -> None:
        super()._handle(records)
        if self.was_away:
            return
        self.was_away = True
        listener = self._kafka._subscription.rebalance_listener
        self._kafka.unsubscribe()
        self._kafka.subscribe(list(self.subscriptions), listener=listener)
        place = max(self.positions.offsets.values())
        wait_for(lambda: self._polls_beyond(place), seconds=60)
        self._looked_at = 0.0

    def _polls_beyond(self, place: int) -> bool:
        polled = self._kafka.poll(timeout_ms=100)
        return any(record.offset >= place for found in polled.values() for record in found)


def test_what_was_dropped_while_partitions_came_back_is_read_again(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    produce([record("k", number) for number in range(1, 41)])
    stop = threading.Event()
    consumer = _Reassigned(service.db, service.settings, {service.topic: [EFFECT]}, stop=stop, max_batch=10)
    with in_thread(consumer.run) as state:
        wait_for(lambda: effects(service)["k-40"] or state.error, seconds=60)
        stop.set()
        state.thread.join(15)
    assert state.error is None
    assert effects(service) == {f"k-{number}": 1 for number in range(1, 41)}

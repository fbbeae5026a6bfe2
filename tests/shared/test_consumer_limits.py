"""When a consumer must not go on, must not give up, and must begin at the start."""

import threading
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.admin import NewTopic
from pymongo import InsertOne
from pymongo.errors import BulkWriteError, DuplicateKeyError, ExecutionTimeout, OperationFailure

from shared.messaging.backoff import Backoff
from shared.messaging.kafka_clients import make_admin
from shared.messaging.messages import Message
from shared.messaging.subscriptions import Policy, Projection
from shared.mongo.database import DEAD_LETTERS, OFFSETS
from shared.mongo.errors import is_transient
from shared.mongo.unit_of_work import UnitOfWork
from shared.telemetry.metrics import SEQUENCE_LEAPS, TOPICS_REPLACED
from tests.shared.test_consumer import EFFECT, effects, record
from tests.support import wait_for

COPY = Projection(collection="copies")


def dead(service: SimpleNamespace) -> int:
    return int(service.db[DEAD_LETTERS].count_documents({}))


# Dead letters


def test_every_second_message_bad_stops_the_consumer(service: SimpleNamespace, produce: Any, consuming: Any) -> None:
    produce([record("k", number, bad=number % 2 == 0) for number in range(1, 121)])
    with consuming(service, {service.topic: [EFFECT]}) as consumer:
        wait_for(lambda: consumer.halted, seconds=60)
        assert consumer.halted.startswith("20 of the last 200 messages could not be handled")
    assert dead(service) == 20


def test_a_restart_does_not_forget_how_many_could_not_be_handled(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    produce([record("k", number, bad=True) for number in range(1, 13)])
    with consuming(service, {service.topic: [EFFECT]}):
        wait_for(lambda: dead(service) == 12, seconds=60)
    produce([record("k", number, bad=True) for number in range(13, 40)])
    with consuming(service, {service.topic: [EFFECT]}) as consumer:
        wait_for(lambda: consumer.halted, seconds=60)
        assert consumer.halted.startswith("20 messages in a row could not be handled")
    assert dead(service) == 20
    with consuming(service, {service.topic: [EFFECT]}) as again:
        wait_for(lambda: again.halted, seconds=60)
    assert dead(service) == 20


def test_a_mended_release_goes_on_where_the_bad_one_was_stopped(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    produce([record("k", number, bad=True) for number in range(1, 41)])
    with consuming(service, {service.topic: [EFFECT]}) as consumer:
        wait_for(lambda: consumer.halted, seconds=60)
    handled: list[str] = []
    mended = Policy(
        name="note", types=frozenset({"thing.updated"}), handle=lambda _, message: handled.append(message.id)
    )
    with consuming(service, {service.topic: [mended]}) as consumer:
        wait_for(lambda: len(set(handled)) == 20, seconds=60)
        assert consumer.halted is None


def test_poison_far_apart_stops_nobody(service: SimpleNamespace, produce: Any, consuming: Any) -> None:
    produce([record("k", number, bad=number % 25 == 0) for number in range(1, 301)])
    with consuming(service, {service.topic: [EFFECT]}) as consumer:
        wait_for(lambda: len(effects(service)) == 288 and dead(service) == 12, seconds=120)
        assert consumer.halted is None


def test_what_a_message_says_is_kept_although_its_policy_fails(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    produce([record("k", 1, state="published"), record("k", 2, state="cancelled", bad=True)])
    with consuming(service, {service.topic: [COPY, EFFECT]}):
        wait_for(lambda: dead(service) == 1)
    kept = service.db["copies"].find_one({"_id": "k"})
    assert (kept["sequence"], kept["state"]) == (2, "cancelled")
    assert effects(service) == {"k-1": 1}


def test_a_projection_that_cannot_keep_a_message_holds_nobody_up(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    def keep(message: Message) -> dict[str, Any]:
        return {"name": message.state["name"]}  # type: ignore[index]

    produce([record("k", 1), record("l", 1, name="Aino")])
    with consuming(service, {service.topic: [Projection(collection="copies", keep=keep)]}):
        wait_for(lambda: service.db["copies"].find_one({"_id": "l"}) and dead(service) == 1)


# MongoDB's failures


def bulk_failure(code: int) -> BulkWriteError:
    return BulkWriteError({"writeErrors": [{"index": 0, "code": code, "errmsg": ""}], "writeConcernErrors": []})


@pytest.mark.parametrize(
    ("error", "is_nobodys_fault"),
    [
        (bulk_failure(11000), False),
        (DuplicateKeyError("", 11000), False),
        (bulk_failure(121), False),
        (OperationFailure("", 2), False),
        (bulk_failure(388), True),
        (bulk_failure(50), True),
        (bulk_failure(91), True),
        (OperationFailure("", 388), True),
        (ExecutionTimeout("", 50), True),
    ],
    ids=str,
)
def test_a_failed_write_is_judged_by_its_code(error: Exception, is_nobodys_fault: bool) -> None:
    assert is_transient(error) is is_nobodys_fault


def failing_in_transactions_of(more_than: int, code: int) -> Callable[[UnitOfWork, Message], None]:
    """A handler whose writes fit a transaction with few messages only."""
    messages: Counter[int] = Counter()

    def handle(uow: UnitOfWork, message: Message) -> None:
        transaction = id(uow.session)
        messages[transaction] += 1
        if messages[transaction] > more_than:
            messages.pop(transaction)
            raise bulk_failure(code)
        uow.write("effects", InsertOne({"message": message.id}))

    return handle


@pytest.mark.parametrize("code", [388, 50])
def test_a_batch_too_large_for_one_transaction_is_done_in_parts_and_nothing_is_given_up(
    service: SimpleNamespace, produce: Any, consuming: Any, code: int
) -> None:
    produce([record("k", number) for number in range(1, 41)])
    policy = Policy(name="large", types=frozenset({"thing.updated"}), handle=failing_in_transactions_of(10, code))
    with consuming(service, {service.topic: [policy]}):
        wait_for(lambda: len(effects(service)) == 40, seconds=120)
    assert dead(service) == 0


class Reader:
    """Stands for a KafkaConsumer without partitions."""

    def assignment(self) -> set[Any]:
        return set()

    def pause(self, *_: Any) -> None: ...

    def resume(self, *_: Any) -> None: ...

    def group_metadata(self) -> Any:
        return SimpleNamespace(state=None)

    def poll(self, **_: Any) -> dict[Any, Any]:
        return {}


def tries_until_given_up(*, takes_writes: Callable[[], bool], most: int) -> int | None:
    """How often an action that always runs into its time limit is tried; None when it would be for ever."""
    now = [0.0]
    tries = 0

    def action() -> None:
        nonlocal tries
        tries += 1
        now[0] += 10
        if tries > most:
            raise KeyboardInterrupt
        raise ExecutionTimeout("", 50)

    backoff = Backoff(Reader(), threading.Event(), alive=lambda: None, takes_writes=takes_writes, clock=lambda: now[0])
    backoff.pause = lambda _: None  # type: ignore[method-assign]
    try:
        backoff.until_database_answers(action, patience=60)
    except ExecutionTimeout:
        return tries
    except KeyboardInterrupt:
        return None
    raise AssertionError


def test_a_message_that_always_runs_out_of_time_makes_way_while_other_writes_work() -> None:
    assert tries_until_given_up(takes_writes=lambda: True, most=100) == 7


def test_an_outage_is_waited_for_however_long_it_is() -> None:
    assert tries_until_given_up(takes_writes=lambda: False, most=100) is None


# Sequences and topics


def test_a_sequence_that_leaps_is_told(service: SimpleNamespace, produce: Any, consuming: Any) -> None:
    def leaps() -> float:
        return float(SEQUENCE_LEAPS.labels(service.name, service.topic)._value.get())

    produce([record("k", 1), record("k", 2), record("l", 7), (b"l", None), record("k", 2), record("k", 9)])
    with consuming(service, {service.topic: [COPY]}):
        wait_for(lambda: (service.db["copies"].find_one({"_id": "k"}) or {}).get("sequence") == 9)
        wait_for(lambda: leaps() == 1)


def make_topic_anew(service: SimpleNamespace) -> None:
    admin = make_admin(service.settings, "test")
    try:
        admin.delete_topics([service.topic])
        wait_for(lambda: service.topic not in admin.list_topics())
        wait_for(lambda: _created(admin, service.topic))
    finally:
        admin.close()


def _created(admin: Any, topic: str) -> bool:
    try:
        admin.create_topics([NewTopic(name=topic, num_partitions=3, replication_factor=1)])
    except Exception:  # noqa: BLE001 - still being deleted
        return False
    return True


def test_a_topic_made_anew_is_read_from_its_start(service: SimpleNamespace, produce: Any, consuming: Any) -> None:
    produce([record("k", number) for number in range(1, 31)])
    with consuming(service, {service.topic: [EFFECT]}):
        wait_for(lambda: len(effects(service)) == 30)
    row = service.db[OFFSETS].find_one({"next": {"$gte": 30}})
    assert row["topic_id"]
    make_topic_anew(service)
    produce([record("k", number) for number in range(31, 101)])
    with consuming(service, {service.topic: [EFFECT]}):
        wait_for(lambda: len(effects(service)) == 100, seconds=60)
    assert set(effects(service).values()) == {1}
    assert TOPICS_REPLACED.labels(service.name, service.topic)._value.get() >= 1
    assert service.db[OFFSETS].find_one({"_id": row["_id"]})["topic_id"] != row["topic_id"]

"""How often MongoDB is asked: unlike speed, a figure that can be tested."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo import InsertOne, MongoClient
from pymongo.errors import OperationFailure

from shared.cause import own_initiative
from shared.ids import new_id
from shared.messaging.messages import Message
from shared.messaging.subscriptions import Policy, Projection
from shared.mongo.database import Database
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import UnitOfWork
from tests.support import wait_for
from tests.support.round_trips import CommandLog

COPY = Projection(collection="copies")


def note(work: UnitOfWork, message: Message) -> None:
    work.write("effects", InsertOne({"message": message.id}))


POLICY = Policy(name="note", types=frozenset({"thing.updated"}), handle=note)


@pytest.fixture
def commands() -> CommandLog:
    return CommandLog()


@pytest.fixture
def db(service: SimpleNamespace, back_ends: dict[str, Any], commands: CommandLog) -> Iterator[Database]:
    """The service's database, with each statement counted."""
    with MongoClient(back_ends["mongodb"]["uri"], tz_aware=True, event_listeners=[commands]) as client:
        yield Database(client, service.db.raw.name)


def records(count: int, *, sequence: int) -> list[tuple[bytes, bytes]]:
    return [
        (
            f"k{number}".encode(),
            json.dumps(
                {
                    "id": new_id(),
                    "type": "fi.uso.thing.updated",
                    "sequence": sequence,
                    "data": {"state": {"id": f"k{number}", "version": sequence}},
                }
            ).encode(),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("handlers", "cost"),
    [
        ([COPY], ["update", "update", "commitTransaction"]),
        ([POLICY], ["update", "insert", "insert", "commitTransaction"]),
        ([COPY, POLICY], ["update", "update", "insert", "insert", "commitTransaction"]),
    ],
    ids=["copy", "policy", "copy and policy"],
)
def test_a_batch_costs_the_same_few_round_trips_however_many_messages_it_has(
    service: SimpleNamespace,
    db: Database,
    commands: CommandLog,
    produce: Any,
    consuming: Any,
    handlers: list[Any],
    cost: list[str],
) -> None:
    with consuming(service, {service.topic: handlers}, db=db) as consumer:
        produce(records(30, sequence=1))  # in every partition, whose places have rows from then on
        wait_for(lambda: sum(consumer.offsets.values()) == 30)
        produce(records(300, sequence=2))
        wait_for(lambda: sum(consumer.offsets.values()) == 330)
    batches = _transactions(commands.names)
    assert batches[-1] == cost
    assert len(batches) < 60


def test_a_write_costs_three_round_trips_with_and_without_an_idempotency_key(
    service: SimpleNamespace, db: Database, commands: CommandLog
) -> None:
    def create(key: IdempotencyKey | None = None) -> None:
        db.transact(
            lambda uow: uow.insert(service.things, {"count": 1}, "thing.created"),
            cause=own_initiative("test"),
            key=key,
        )

    assert commands.during(create) == ["insert", "insert", "commitTransaction"]
    keyed = commands.during(lambda: create(IdempotencyKey(id=new_id(), fingerprint="f")))
    assert keyed == ["insert", "insert", "commitTransaction"]


def test_a_change_costs_one_round_trip_more_than_a_creation(
    service: SimpleNamespace, db: Database, commands: CommandLog
) -> None:
    cause = own_initiative("test")
    made = db.transact(lambda work: work.insert(service.things, {"count": 1}, "thing.created"), cause=cause)

    def change() -> None:
        def work(uow: UnitOfWork) -> Any:
            return uow.save(service.things, uow.get(service.things, made["_id"]), {"count": 2}, "thing.updated")

        db.transact(work, cause=cause)

    assert commands.during(change) == ["find", "update", "insert", "commitTransaction"]


def _transactions(names: list[str]) -> list[list[str]]:
    """The commands up to each commit."""
    found: list[list[str]] = [[]]
    for name in names:
        found[-1].append(name)
        if name == "commitTransaction":
            found.append([])
    return found[:-1]


def test_a_conflict_in_the_journal_of_a_write_without_a_key_is_tried_again(
    service: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, failed = UnitOfWork._send, []

    def fail_once(uow: UnitOfWork, collection: str, group: Any, replaced: int) -> None:
        if collection == "journal" and not failed:
            failed.append(collection)
            raise OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]})
        send(uow, collection, group, replaced)

    monkeypatch.setattr(UnitOfWork, "_send", fail_once)
    service.db.transact(
        lambda uow: uow.insert(service.things, {"count": 1}, "thing.created"), cause=own_initiative("test")
    )
    assert failed
    assert service.db["things"].count_documents({}) == 1

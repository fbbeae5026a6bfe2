"""A copy read anew while the service goes on: equal to its topic at the end, whoever dies on the way."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from pymongo.errors import PyMongoError

import ops.rebuild
from ops import jobs
from ops.jobs import claim
from ops.rebuild import rebuild
from ops.store import JOBS
from shared.errors import Unavailable
from shared.ids import new_id
from shared.mongo.database import DEAD_LETTERS
from shared.mongo.errors import refusal
from tests.ops.conftest import Operation
from tests.ops.things import record
from tests.support import wait_for

pytestmark = pytest.mark.long


def test_a_rebuilt_copy_is_what_the_topic_says(operation: Operation, produce: Any) -> None:
    keys = [new_id() for _ in range(50)]
    produce(*[record(key, sequence, n=sequence) for sequence in (1, 2, 3) for key in keys])
    with operation.consuming():
        operation.has_handled(150)
    truth = operation.projections()
    operation.db["copies"].delete_one({"_id": keys[0]})
    operation.db["copies"].update_one({"_id": keys[1]}, {"$set": {"n": "wrong"}})
    operation.db["copies"].insert_one({"_id": "nobody", "sequence": 1})

    job = operation.done(operation.post("projections/copies/rebuild", reason="two documents are wrong"))

    assert operation.projections() == truth
    assert job["read"] == 150
    assert set(operation.db["copies"].index_information()) == {"_id_", "n"}
    assert left_behind(operation) == []
    assert len(operation.effects()) == 150, "a rebuild is no reason to act"


def test_a_rebuild_under_writes_loses_nothing_and_brings_nothing_back(operation: Operation, produce: Any) -> None:
    keys = [new_id() for _ in range(300)]
    produce(*[record(key, 1, n=0) for key in keys])
    stop, written = threading.Event(), dict.fromkeys(keys, 1)

    def write() -> None:
        number = 0
        while not stop.is_set():
            portion = [keys[(number + step) % len(keys)] for step in range(20)]
            for key in portion:
                written[key] += 1
            produce(*[record(key, written[key], n=number) for key in portion])
            number += 20

    writer = threading.Thread(target=write)
    with operation.consuming(max_batch=50) as consumer:
        operation.has_handled(300)
        writer.start()
        try:
            for _ in range(5):
                operation.done(operation.post("projections/copies/rebuild"))
        finally:
            stop.set()
            writer.join()
        wait_for(
            lambda: {key: document["sequence"] for key, document in operation.projections().items()} == written,
            seconds=60,
            what="the copy to say what was written last",
        )
        assert consumer.halted is None
    assert operation.db[DEAD_LETTERS].count_documents({}) == 0, "a transaction that meets the exchange is done again"
    assert left_behind(operation) == []


def test_a_policy_never_misses_in_a_rebuilt_projection_what_was_handled_before(
    operation: Operation, produce: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, late = new_id(), new_id()
    produce(record(key, 1))
    with operation.consuming():
        operation.has_handled(1)
        operation.post("projections/copies/rebuild")
        job = claim(operation.db, "worker-1", threading.Event())
        assert job is not None

        def comes_before_the_exchange() -> None:
            produce(record(late, 1))
            operation.has_handled(2)

        def looks_behind_the_exchange() -> None:
            produce(record(key, 2, looks_for=late))
            operation.has_handled(3)

        before(monkeypatch, "_exchange", comes_before_the_exchange)
        before(monkeypatch, "_catch_up", looks_behind_the_exchange)
        rebuild(job, operation.context)
    assert [row["found"] for row in operation.db["effects"].find({"found": {"$exists": True}})] == [True]
    assert set(operation.projections()) == {key, late}


def test_a_rebuild_is_refused_when_the_topic_has_lost_most_keys_unless_the_loss_is_accepted(
    operation: Operation, produce: Any
) -> None:
    operation.db["copies"].insert_many([{"_id": new_id(), "sequence": 1} for _ in range(90)])
    before = operation.projections()
    produce(*[record(new_id(), 1) for _ in range(3)])

    asked = operation.post("projections/copies/rebuild")
    assert operation.work()
    failed = operation.get(f"rebuilds/{asked['id']}")
    assert failed["state"] == "failed"
    assert "holds 3 keys and the projection 90" in failed["error"]
    assert operation.projections() == before
    assert left_behind(operation) == []

    operation.done(operation.post("projections/copies/rebuild", accept_loss=True, reason="the topic was made anew"))
    assert len(operation.projections()) == 3


@pytest.mark.parametrize("phase", ["reading", "swapping", "catching_up"])
def test_another_worker_goes_on_where_one_stopped(
    operation: Operation, produce: Any, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    keys = [new_id() for _ in range(30)]
    produce(*[record(key, 1, n=1) for key in keys])
    with operation.consuming():
        operation.has_handled(30)
    asked = operation.post("projections/copies/rebuild")
    first = claim(operation.db, "worker-1", threading.Event())
    assert first is not None
    step = first.step

    def die(*arguments: Any, **changes: Any) -> None:
        step(*arguments, **changes)
        if changes.get("phase") == phase:
            raise KeyboardInterrupt

    monkeypatch.setattr(first, "step", die)
    with pytest.raises(KeyboardInterrupt):
        rebuild(first, operation.context)
    run_out(operation, asked)
    operation.done(asked)
    assert {key: document["n"] for key, document in operation.projections().items()} == dict.fromkeys(keys, 1)
    assert operation.get(f"rebuilds/{asked['id']}")["state"] == "completed"

    with pytest.raises(jobs.LeaseLost):  # and should the first wake up again, it changes nothing
        rebuild(first, operation.context)
    assert {key: document["n"] for key, document in operation.projections().items()} == dict.fromkeys(keys, 1)


def test_a_worker_killed_half_way_is_followed_by_another(operation: Operation, produce: Any, back_ends: Any) -> None:
    keys = [new_id() for _ in range(2000)]
    for first in range(1, 31):
        produce(*[record(key, first, n=first) for key in keys])
    asked = operation.post("projections/copies/rebuild")
    settings = vars(operation.settings) | {
        "mongodb_uri": back_ends["mongodb"]["uri"],
        "mongodb_database": operation.db.raw.name,
        "process_name": "worker-1",
    }
    process = subprocess.Popen([sys.executable, "-m", "tests.ops.a_worker", json.dumps(settings)])
    try:
        wait_for(lambda: operation.get(f"rebuilds/{asked['id']}")["read"] > 4000, seconds=60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    half_way = operation.get(f"rebuilds/{asked['id']}")
    assert half_way["state"] == "running"
    assert half_way["read"] < 60_000
    assert not operation.work("worker-3"), "it is the first one's until its lease has run out"
    run_out(operation, asked)
    done = operation.done(asked)
    assert done["read"] >= 60_000
    assert done["worker"] != half_way["worker"]
    assert {document["n"] for document in operation.projections().values()} == {30}
    assert len(operation.projections()) == 2000
    assert left_behind(operation) == []


def test_a_second_rebuild_of_the_same_copy_is_refused_while_one_is_open(operation: Operation) -> None:
    first = operation.post("projections/copies/rebuild")
    refused = operation.post("projections/copies/rebuild", status=409)
    assert refused["existing_id"] == first["id"]
    operation.done(first)
    operation.done(operation.post("projections/copies/rebuild"))


def test_a_copy_that_there_is_not_cannot_be_rebuilt(operation: Operation) -> None:
    operation.post("projections/nothing/rebuild", status=404)
    operation.get("rebuilds/nothing", status=404)


def test_the_erased_stay_erased_though_the_topic_has_forgotten_their_tombstone(
    operation: Operation, produce: Any
) -> None:
    operation.db["copies"].insert_one({"_id": "somebody", "sequence": 2**53, "erased": True})
    produce(record("somebody", 1, name="Aino"))
    operation.done(operation.post("projections/copies/rebuild"))
    assert operation.projections() == {"somebody": {"_id": "somebody", "sequence": 2**53, "erased": True}}


def test_a_message_that_cannot_be_used_is_named_and_the_old_document_kept(operation: Operation, produce: Any) -> None:
    operation.db["copies"].insert_one({"_id": "a", "sequence": 1, "n": 1})
    produce(record("a", 2, unkeepable=True), (b"b", b"no message"), record("c", 1, n=3))
    job = operation.done(operation.post("projections/copies/rebuild"))
    assert job["skipped"] == 2
    assert all(place.startswith(f"{operation.topic}/") for place in job["skipped_at"])
    assert set(operation.projections()) == {"a", "c"}


def test_a_rebuild_waits_while_kafka_is_away(operation: Operation, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = operation.post("projections/copies/rebuild")
    away = vars(operation.settings) | {"kafka_bootstrap_servers": ["127.0.0.1:9"]}
    monkeypatch.setattr("ops.rebuild.reader", quick_reader)
    with monkeypatch.context() as patch:
        patch.setattr(operation, "settings", type(operation.settings)(**away))
        operation.work()
    waiting = operation.get(f"rebuilds/{asked['id']}")
    assert waiting["state"] == "running"
    assert waiting["error"]
    run_out(operation, asked)
    operation.done(asked)


def test_who_reads_a_list_while_the_copies_are_exchanged_is_asked_to_come_again(operation: Operation) -> None:
    operation.db["copies"].insert_many([{"_id": str(number), "sequence": 1} for number in range(10)])
    reading = operation.db["copies"].find({}, batch_size=2)
    next(reading)
    operation.done(operation.post("projections/copies/rebuild", accept_loss=True))
    with pytest.raises(PyMongoError) as caught:
        list(reading)
    told = refusal(caught.value)
    assert isinstance(told, Unavailable)
    assert told.retry_after == 1


def before(monkeypatch: pytest.MonkeyPatch, name: str, happens: Callable[[], None]) -> None:
    """Something happens before a phase of the rebuild."""
    phase = getattr(ops.rebuild, name)

    def wrapped(*arguments: Any) -> None:
        happens()
        phase(*arguments)

    monkeypatch.setattr(ops.rebuild, name, wrapped)


def quick_reader(settings: Any) -> Any:
    from ops.reading import reader

    return reader(settings, seconds=2)


def left_behind(operation: Operation) -> list[str]:
    return [name for name in operation.db.raw.list_collection_names() if ".rebuild-" in name]


def run_out(operation: Operation, job: dict[str, Any]) -> None:
    """Time passes until the lease of the job's worker has run out."""
    operation.db[JOBS].update_one({"_id": job["id"]}, {"$set": {"until": jobs.LONG_AGO}})

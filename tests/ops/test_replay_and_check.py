"""Messages handed over again, and copies compared with their topics."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import DeleteMany

from shared.ids import new_id
from shared.instants import instant_text
from shared.mongo.database import OFFSETS, SEEN
from tests.ops.conftest import Operation
from tests.ops.things import record


def ago(**span: float) -> str:
    return instant_text(datetime.now(UTC) - timedelta(**span))


def test_a_replay_acts_on_what_was_left_out_and_on_nothing_twice(operation: Operation, produce: Any) -> None:
    keys = [new_id() for _ in range(20)]
    produce(*[record(key, 1, n=1) for key in keys])
    with operation.consuming():
        operation.has_handled(20)
    lost = operation.effects()[0]
    operation.db["effects"].delete_one({"message": lost})
    operation.db[SEEN].bulk_write([DeleteMany({"_id": f"note:{lost}"})])
    operation.db["copies"].delete_many({})

    since = ago(hours=1)
    job = operation.done(operation.post("replay", topic=operation.topic, **{"from": since}))

    assert job["wanted"] == {"from": since}
    assert job["read"] == 20
    assert len(operation.effects()) == len(set(operation.effects())) == 20
    assert len(operation.projections()) == 20


def test_a_replay_starts_at_its_instant_and_ends_where_the_consumer_is(operation: Operation, produce: Any) -> None:
    produce(record(new_id(), 1))
    with operation.consuming():
        operation.has_handled(1)
    produce(record(new_id(), 1))
    soon = operation.done(operation.post("replay", topic=operation.topic, **{"from": ago(hours=-1)}))
    assert soon["read"] == 0
    all_of_it = operation.done(operation.post("replay", topic=operation.topic, **{"from": ago(hours=1)}))
    assert all_of_it["read"] == 1, "the second message comes by itself"
    assert len(operation.effects()) == 1


def test_a_message_that_cannot_be_handled_does_not_end_a_replay(operation: Operation, produce: Any) -> None:
    produce(record(new_id(), 1, bad=True), (b"k", b"no message"), record(new_id(), 1))
    with operation.consuming():
        operation.has_handled(2)
        operation.letter()
    operation.db["effects"].delete_many({})
    operation.db[SEEN].delete_many({})
    operation.mood.broken = True
    job = operation.done(operation.post("replay", topic=operation.topic, **{"from": ago(hours=1)}))
    assert (job["skipped"], len(operation.effects())) == (2, 1)


def test_a_replay_from_before_what_is_remembered_is_refused(operation: Operation) -> None:
    refused = operation.post("replay", status=422, topic=operation.topic, **{"from": ago(days=91)})
    assert "from" in refused["errors"]
    refused = operation.post("replay", status=422, topic="another", **{"from": ago(days=1)})
    assert "topic" in refused["errors"]


def test_a_check_finds_nothing_where_nothing_is_wrong(operation: Operation, produce: Any) -> None:
    keys = [new_id() for _ in range(10)]
    produce(*[record(key, sequence, n=sequence) for sequence in (1, 2) for key in keys], (keys[0].encode(), None))
    with operation.consuming():
        operation.has_handled(20)
        result = operation.done(operation.post("check"))["result"]
    assert (result["differs"], result["in_flight"]) == (0, 0)
    assert result["projections"]["copies"]["keys"] == 10


def test_a_check_names_keys_and_fields_and_never_values(operation: Operation, produce: Any) -> None:
    missing, changed, older, unknown = (new_id() for _ in range(4))
    produce(*[record(key, 2, name="Aino", n=2) for key in (missing, changed, older)])
    with operation.consuming():
        operation.has_handled(3)
        operation.db["copies"].delete_one({"_id": missing})
        operation.db["copies"].update_one({"_id": changed}, {"$set": {"name": "Eero"}})
        operation.db["copies"].update_one({"_id": older}, {"$set": {"sequence": 1, "version": 1}})
        operation.db["copies"].insert_one({"_id": unknown, "sequence": 1})
        job = operation.done(operation.post("check", projection="copies"))
    found = {
        difference["key"]: (difference["what"], difference["fields"])
        for difference in job["result"]["projections"]["copies"]["differences"]
    }
    assert found == {
        missing: ("missing", []),
        changed: ("differs", ["name"]),
        older: ("older", ["sequence", "version"]),
        unknown: ("unknown", []),
    }
    assert job["result"]["differs"] == 4
    assert "Aino" not in str(job)
    assert "Eero" not in str(job)


def test_a_check_is_patient_with_what_is_on_its_way(operation: Operation, produce: Any, monkeypatch: Any) -> None:
    key = new_id()
    produce(record(key, 1, n=1))
    monkeypatch.setattr("ops.check.PATIENCE_SECONDS", 0.5)
    job = operation.done(operation.post("check"))
    assert (job["result"]["differs"], job["result"]["in_flight"]) == (0, 1)
    with operation.consuming():
        operation.has_handled(1)
    assert operation.done(operation.post("check"))["result"]["in_flight"] == 0
    assert operation.db[OFFSETS].count_documents({}) >= 1

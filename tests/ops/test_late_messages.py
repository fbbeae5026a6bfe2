"""Old messages that are redriven, replayed or sent once more have no effect that is not owed."""

import json
from typing import Any

import pytest

from shared.cause import own_initiative
from shared.ids import new_id
from shared.mongo.database import SEEN_KEPT
from shared.mongo.journal import JOURNAL
from tests.ops.conftest import Operation
from tests.ops.things import record, thing
from tests.support import wait_for


@pytest.mark.parametrize(("later", "effects"), [("cancelled", 1), ("confirmed", 2)])
def test_a_redriven_message_acts_unless_newer_state_contradicts_it(
    operation: Operation, produce: Any, later: str, effects: int
) -> None:
    operation.mood.broken = True
    key = new_id()
    produce(record(key, 1, bad=True, state="confirmed"), record(key, 2, state=later))
    with operation.consuming():
        letter = operation.letter()
        operation.has_handled(1)
    operation.mood.broken = False
    assert operation.post(f"dead-letters/{letter['id']}/redrive", status=200)["state"] == "redriven"
    assert len(operation.effects()) == effects
    assert operation.projections()[key]["state"] == later


def test_a_redriven_message_about_the_erased_has_no_effect(operation: Operation, produce: Any) -> None:
    operation.mood.broken = True
    key = new_id()
    produce(record(key, 1, bad=True), (key.encode(), None))
    with operation.consuming():
        letter = operation.letter()
        wait_for(lambda: (operation.projections().get(key) or {}).get("erased"))
    operation.mood.broken = False
    assert operation.post(f"dead-letters/{letter['id']}/redrive", status=200)["state"] == "redriven"
    assert operation.effects() == []


def test_a_topic_that_lost_its_records_gets_all_present_states_and_tombstones_again(
    operation: Operation, produce: Any
) -> None:
    made = [_make(operation, number) for number in range(3)]
    _change(operation, made[0])
    old = _make(operation, 9)
    long_ago = {"at": _made_at(operation, old) - SEEN_KEPT}
    operation.db[JOURNAL].update_one({"of": old["_id"]}, {"$set": long_ago})
    erased = new_id()
    topic = operation.topic
    operation.db.transact(lambda uow: uow.publish(topic=topic, key=erased, value=None), cause=own_initiative("test"))

    before = {row["_id"] for row in operation.db[JOURNAL].find()}
    job = operation.done(operation.post("republish", aggregate="thing", reason="the topic was lost"))
    assert job["result"] == {"sent": 5}

    sent = [row for row in operation.db[JOURNAL].find({"topic": topic}) if row["_id"] not in before]
    states = {row["key"]: json.loads(row["value"]) for row in sent if row["value"] is not None}
    assert {key: message["data"]["state"]["n"] for key, message in states.items()} == {
        made[0]["_id"]: 100,
        made[1]["_id"]: 1,
        made[2]["_id"]: 2,
        old["_id"]: 9,
    }
    assert [row["key"] for row in sent if row["value"] is None] == [erased]
    assert {key for key, message in states.items() if message.get("republished")} == {old["_id"]}

    produce(*[(row["key"].encode(), row["value"]) for row in sent])
    with operation.consuming():
        operation.has_handled(1)
        operation.has_projections(5)
    assert operation.db["effects"].find_one({"key": old["_id"]}) is None, "its id may be forgotten by now"


def test_only_what_a_service_publishes_can_be_sent_again(operation: Operation) -> None:
    assert operation.get("aggregates")["items"] == [{"name": "thing", "topic": operation.topic}]
    operation.post("republish", status=404, aggregate="person")


def _make(operation: Operation, number: int) -> dict[str, Any]:
    aggregate = thing(operation.service.name)
    return operation.db.transact(
        lambda uow: dict(uow.insert(aggregate, {"n": number}, "thing.created")), cause=own_initiative("test")
    )


def _change(operation: Operation, before: dict[str, Any]) -> None:
    aggregate = thing(operation.service.name)
    operation.db.transact(
        lambda uow: dict(uow.save(aggregate, before, {"n": 100}, "thing.updated")), cause=own_initiative("test")
    )


def _made_at(operation: Operation, made: dict[str, Any]) -> Any:
    return (operation.db[JOURNAL].find_one({"of": made["_id"]}) or {})["at"]

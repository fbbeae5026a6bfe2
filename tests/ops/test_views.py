"""What is behind, what waits, which topics are there."""

import threading
from typing import Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from rich.console import Console

from ops.command_line import tables
from ops.reading import admin
from ops.worker import show_gauges
from shared.cause import own_initiative
from shared.ids import new_id, utc_now
from shared.lease import Lease
from shared.messaging.relay import Relay
from shared.messaging.topics import dead_letters
from shared.mongo.journal import JOURNAL
from shared.settings import Settings
from tests.ops.conftest import Operation
from tests.ops.things import record
from tests.support import wait_for


def tell(operation: Operation, count: int) -> None:
    """So many messages for the relay."""
    for _ in range(count):
        key, value = record(new_id(), 1)
        operation.db.transact(
            lambda uow, key=key, value=value: uow.publish(topic=operation.topic, key=key.decode(), value=value),
            cause=own_initiative("test"),
        )


@pytest.fixture
def relay(operation: Operation) -> Any:
    """A relay that leads until the test ends; starts when it is called."""
    stop = threading.Event()
    lease = Lease(operation.db, f"{operation.service.name}-relay-0", "relay-1")
    relay = Relay(operation.db, operation.settings)
    lease.reached = lambda: relay.reached
    threads = [
        threading.Thread(target=lease.keep, args=(stop,), daemon=True),
        threading.Thread(target=relay.run, args=(lambda: not stop.is_set(),), daemon=True),
    ]

    def start() -> None:
        lease.take()
        for thread in threads:
            thread.start()

    yield start
    stop.set()
    for thread in threads:
        if thread.ident:
            thread.join(15)
    lease.give_up()


def test_lag_counts_messages_not_the_marks_of_transactions(operation: Operation, relay: Any) -> None:
    tell(operation, 12)
    relay()
    with operation.consuming():
        operation.has_handled(12)
    tell(operation, 5)
    wait_for(lambda: sum(row["lag"] for row in operation.get("lag")["items"]) == 5, what="a lag of five")
    with operation.consuming():
        operation.has_handled(17)
        wait_for(lambda: sum(row["lag"] for row in operation.get("lag")["items"]) == 0, what="no lag")
    rows = operation.get("lag")["items"]
    assert {row["topic"] for row in rows} == {operation.topic}
    assert len(rows) == 3
    assert any(row["moved_at"] for row in rows)


def test_without_kafka_lag_and_topics_answer_503_and_the_rest_goes_on(
    operation: Operation, client_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Settings(**(vars(operation.settings) | {"kafka_bootstrap_servers": ["127.0.0.1:9"]}))
    client = client_for(operation.service.app(away, operation.db))
    monkeypatch.setattr("ops.lag.ANSWER_SECONDS", 1.0)
    monkeypatch.setattr("ops.reading.ANSWER_SECONDS", 1.0)
    for path in ("lag", "topics"):
        answer = client.get(f"/v1/ops/{path}", role="operator")
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) > 0
    assert client.get("/v1/ops/outbox", role="operator").status_code == 200
    assert client.post("/v1/ops/projections/copies/rebuild", role="operator", json={}).status_code == 202


def test_the_outbox_says_what_waits_and_who_leads(operation: Operation, relay: Any) -> None:
    tell(operation, 4)
    before = operation.get("outbox")
    assert (before["depth"], before["relay_leads"], before["leader"]) == (4, False, None)
    assert before["oldest_seconds"] > 0
    relay()
    after = wait_for(lambda: now if (now := operation.get("outbox"))["depth"] == 0 else None, what="an empty outbox")
    assert (after["relay_leads"], after["leader"], after["oldest_seconds"]) == (True, "relay-1", 0.0)
    show_gauges(operation.context)


def test_a_relay_that_stopped_is_remembered_for_what_it_did(operation: Operation, relay: Any) -> None:
    tell(operation, 2)
    relay()
    wait_for(lambda: operation.get("outbox")["depth"] == 0)
    lease = Lease(operation.db, f"{operation.service.name}-relay-0", "relay-1")
    lease.give_up()
    tell(operation, 3)
    waiting = wait_for(lambda: now if (now := operation.get("outbox"))["as_of"] else None)
    assert waiting["depth"] <= 3


def test_a_row_that_blocks_the_relay_is_named_and_skipped_with_a_reason(operation: Operation, relay: Any) -> None:
    large = {
        "_id": new_id(),
        "topic": operation.topic,
        "key": "large",
        "value": b"x" * 8_500_000,
        "headers": [],
        "sequence": 1,
        "slot": 1,
        "at": utc_now(),
    }
    operation.db[JOURNAL].insert_one(large)
    tell(operation, 2)
    relay()
    [row] = wait_for(lambda: operation.get("outbox")["blocking"], seconds=30)
    assert (row["id"], row["topic"], row["bytes"]) == (large["_id"], operation.topic, 8_500_005)
    assert operation.post(f"outbox/{large['_id']}/skip", status=422)
    skipped = operation.post(f"outbox/{large['_id']}/skip", 200, reason="a bad import")
    assert skipped["state"] == "skipped"
    wait_for(lambda: operation.get("outbox")["depth"] == 0, seconds=30)
    assert operation.get("outbox")["blocking"] == []
    entry = operation.get("audit")["items"][0]
    assert (entry["action"], entry["of"], entry["reason"]) == ("skip_row", large["_id"], "a bad import")


def test_topics_tell_what_should_be_there_and_is_not_or_differs(operation: Operation) -> None:
    def shown() -> dict[str, Any]:
        return {row["topic"]: row for row in operation.get("topics")["items"]}

    # Brokers hear of new topics a moment after they were made.
    wait_for(lambda: all(row["exists"] for row in shown().values()))
    rows = shown()
    assert rows[operation.topic]["owned"]
    assert rows[operation.topic]["subscribed"]
    assert {name: row["differs"] for name, row in rows.items()} == {name: {} for name in rows}
    with admin(operation.settings) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, operation.topic, {"cleanup.policy": "delete"})])
        client.delete_topics([dead_letters(operation.service.name)])
    rows = {row["topic"]: row for row in operation.get("topics")["items"]}
    assert rows[operation.topic]["differs"] == {"cleanup.policy": {"wanted": "compact", "found": "delete"}}
    assert not rows[dead_letters(operation.service.name)]["exists"]


def test_projections_are_listed_with_their_last_rebuild(operation: Operation) -> None:
    (copy,) = operation.get("projections")["items"]
    assert (copy["name"], copy["topic"], copy["last_rebuild"]) == ("copies", operation.topic, None)
    job = operation.done(operation.post("projections/copies/rebuild"))
    (copy,) = operation.get("projections")["items"]
    assert copy["last_rebuild"]["id"] == job["id"]


def test_an_operator_who_wants_more_partitions_is_told_how() -> None:
    row = {"topic": "t", "owned": True, "subscribed": False, "exists": True, "partitions": 6, "replication": 1}
    differs = {"partitions": {"wanted": "12", "found": "6"}}
    console = Console(record=True, width=400)
    console.print(tables.topics({"events": [{**row, "differs": differs}]}))
    shown = console.export_text()
    assert "partitions is 6, not 12" in shown
    assert "cannot be added in place" in shown
    assert "docs/operations.md" in shown

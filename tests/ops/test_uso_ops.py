"""The operator of real services: `uso ops` on enrolment and events, with Kafka and MongoDB between them."""

import json
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from pymongo import MongoClient

from deploy.local import scaling
from deploy.local.stack import Stack
from shared.ids import new_id, utc_now
from tests.support import wait_for

pytestmark = pytest.mark.long
CONTACTS = "uso.enrolment.contacts.v1"
CHOSEN = ("--service", "enrolment", "--service", "events")


class Running:
    """Two services that run, and the command."""

    def __init__(self, stack: Stack, directory: Path) -> None:
        self.info = stack.info
        self.directory = directory

    def uso(self, *arguments: str) -> tuple[int, Any]:
        """The exit status of `uso ops … --json` and what it printed."""
        command = [
            sys.executable,
            "-m",
            "deploy.local.cli",
            "ops",
            *arguments,
            *CHOSEN,
            "--run-dir",
            str(self.directory),
            "--json",
        ]
        return self._answer(command)

    def doctor(self) -> tuple[int, Any]:
        """The exit status of `uso doctor --json` and what it printed."""
        command = [sys.executable, "-m", "deploy.local.cli", "doctor", "--run-dir", str(self.directory)]
        command += [*CHOSEN, "--json"]
        return self._answer(command)

    @staticmethod
    def _answer(command: list[str]) -> tuple[int, Any]:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else done.stderr

    def post(self, service: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self.info['tokens']['coordinator']}",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        answer = requests.post(f"{self.info['services'][service]['url']}{path}", json=body, headers=headers, timeout=20)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def contact(self, number: int) -> dict[str, Any]:
        return self.post(
            "enrolment",
            "/v1/contacts",
            {
                "given_name": "Aino",
                "family_name": "Meriläinen",
                "email": f"aino.{number}@kunta.example",
                "language": "fi",
                "role": "officeholder",
                "organisation_id": self.organisation["id"],
            },
        )

    @property
    def organisation(self) -> dict[str, Any]:
        if not hasattr(self, "_organisation"):
            self._organisation = self.post(
                "enrolment",
                "/v1/organisations",
                {"kind": "municipality", "name": {"fi": "Tampere"}, "municipality_code": "837", "languages": ["fi"]},
            )
        return self._organisation


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("ops")
    # Of notifications the relay alone: it makes the topics that enrolment reads.
    scale = {"notifications.api": 0, "notifications.worker": 0}
    with Stack(directory, keep=False, scale=scale) as stack:
        yield Running(stack, directory)


@pytest.fixture
def projections(running: Running) -> Iterator[Any]:
    """The contacts as events keeps them."""
    with MongoClient(running.info["mongodb"]["uri"]) as client:
        yield client["uso_events"]["contacts"]


def test_a_healthy_system_has_nothing_wrong(running: Running, projections: Any) -> None:
    made = running.contact(1)
    wait_for(lambda: projections.find_one({"_id": made["id"]}), what="the contact to reach events")
    status, lag = wait_for(lambda: answer if (answer := running.uso("lag"))[0] == 0 else None, seconds=60)
    assert set(lag) == {"enrolment", "events"}
    assert CONTACTS in {row["topic"] for row in lag["events"]}
    status, outbox = wait_for(lambda: answer if (answer := running.uso("outbox"))[0] == 0 else None, seconds=60)
    assert outbox["enrolment"]["leader"] == "enrolment-relay-1"
    status, letters = running.uso("dead-letters", "list")
    assert (status, letters) == (0, {"enrolment": [], "events": []})
    status, checked = running.uso("check")
    assert status == 0, checked
    assert checked["events"]["result"]["projections"]["contacts"]["keys"] == 1


def test_the_doctor_finds_nothing_wrong_with_a_healthy_system(running: Running) -> None:
    _, found = wait_for(lambda: answer if (answer := running.doctor())[0] == 0 else None, seconds=60)
    assert set(found) == {"enrolment", "events", "processes"}
    assert {finding["severity"] for findings in found.values() for finding in findings} <= {"advice"}
    assert found["processes"] == []


def test_a_row_too_large_for_kafka_is_named_by_the_doctor_and_skipped(running: Running) -> None:
    made_before = running.contact(3)
    large = {
        "_id": new_id(),
        "topic": CONTACTS,
        "key": made_before["id"],
        "value": b"x" * 8_500_000,
        "headers": [],
        "sequence": 2,
        "slot": 1,
        "at": utc_now(),
    }
    with MongoClient(running.info["mongodb"]["uri"]) as client:
        client["uso_enrolment"]["journal"].insert_one(large)
    status, outbox = wait_for(lambda: answer if (answer := running.uso("outbox"))[1]["enrolment"]["blocking"] else None)
    assert status == 1
    assert outbox["enrolment"]["blocking"][0]["id"] == large["_id"]
    status, found = running.doctor()
    assert status == 1
    [blocked] = [finding for finding in found["enrolment"] if large["_id"] in finding["what"]]
    assert blocked["remedy"].endswith(f"uso ops outbox skip {large['_id']} --reason …")

    assert running.uso("outbox", "skip", large["_id"])[0] == 2, "it asks for a reason"
    status, skipped = running.uso("outbox", "skip", large["_id"], "--reason", "a bad import")
    assert (status, skipped["enrolment"]["state"]) == (0, "skipped")
    assert running.uso("outbox", "skip", large["_id"], "--reason", "again")[0] == 1, "nothing is blocked any more"
    made_behind = running.contact(4)
    with MongoClient(running.info["mongodb"]["uri"]) as client:
        copies = client["uso_events"]["contacts"]
        wait_for(lambda: copies.find_one({"_id": made_behind["id"]}), what="what stood behind it to reach events")


def test_everything_of_a_kind_is_sent_again_and_changes_no_copy(running: Running, projections: Any) -> None:
    made = running.contact(5)
    before = wait_for(lambda: projections.find_one({"_id": made["id"]}), what="the contact to reach events")
    sent_before = records(running, CONTACTS)[made["id"]]
    status, job = running.uso("republish", "contact", "--reason", "Kafka's disk was exchanged")
    assert (status, job["enrolment"]["state"]) == (0, "completed")
    wait_for(lambda: records(running, CONTACTS)[made["id"]] == 2 * sent_before, what="the contact on the topic again")
    wait_for(lambda: running.uso("lag")[0] == 0, seconds=60)
    assert projections.find_one({"_id": made["id"]}) == before
    assert running.uso("republish", "nothing")[0] == 1


def readers(running: Running, group: str) -> dict[str, int]:
    """Each member of the group, and of how many partitions it is in charge."""
    admin = KafkaAdminClient(bootstrap_servers=running.info["kafka"]["bootstrap_servers"])
    members = admin.describe_groups([group])[group]["members"]
    admin.close()
    # Empty while the partitions are being shared out.
    assigned = {member["client_id"]: member["member_assignment"] or {"assigned_partitions": []} for member in members}
    return {
        name: sum(len(topic["partitions"]) for topic in found["assigned_partitions"])
        for name, found in assigned.items()
    }


def test_lag_grows_without_a_worker_and_falls_when_workers_are_added(running: Running) -> None:
    def waiting() -> int:
        return sum(row["lag"] or 0 for row in running.uso("lag")[1]["events"])

    wait_for(lambda: waiting() == 0, seconds=60)
    scaling.ask(running.directory, {"events.worker": 0})
    wait_for(lambda: not readers(running, "uso.events"), seconds=60, what="the worker to leave")
    for number in range(100, 140):
        running.contact(number)
    wait_for(lambda: waiting() == 40, seconds=60, what="a lag of forty")
    scaling.ask(running.directory, {"events.worker": 1})
    wait_for(lambda: waiting() == 0, seconds=90, what="the lag to fall")
    scaling.ask(running.directory, {"events.worker": 3})
    shared = wait_for(lambda: len(now := readers(running, "uso.events")) == 3 and all(now.values()) and now, seconds=90)
    assert set(shared) == {"events-worker-1", "events-worker-2", "events-worker-3"}
    assert max(shared.values()) - min(shared.values()) <= 1, "each takes its share"
    scaling.ask(running.directory, {"events.worker": 1})
    wait_for(lambda: list(readers(running, "uso.events")) == ["events-worker-1"], seconds=90)


def records(running: Running, topic: str) -> Counter[str]:
    """How many records the topic has of each key."""
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=running.info["kafka"]["bootstrap_servers"],
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        consumer_timeout_ms=2000,
    )
    found = Counter(record.key.decode() for record in consumer)
    consumer.close()
    return found


def test_a_copy_that_went_wrong_is_named_and_rebuilt(running: Running, projections: Any) -> None:
    made = running.contact(2)
    wait_for(lambda: projections.find_one({"_id": made["id"]}), what="the contact to reach events")
    projections.update_one({"_id": made["id"]}, {"$set": {"family_name": "Wrong"}})
    status, checked = running.uso("check", "contacts")
    assert status == 1
    assert list(checked) == ["events"]
    (difference,) = checked["events"]["result"]["projections"]["contacts"]["differences"]
    assert difference == {"key": made["id"], "what": "differs", "fields": ["family_name"]}

    status, rebuilt = running.uso("rebuild", "contacts", "--reason", "one is wrong")
    assert (status, rebuilt["events"]["state"]) == (0, "completed")
    assert projections.find_one({"_id": made["id"]})["family_name"] == "Meriläinen"
    assert running.uso("check", "contacts")[0] == 0


def test_a_dead_letter_is_seen_kept_and_discarded(running: Running) -> None:
    producer = KafkaProducer(bootstrap_servers=running.info["kafka"]["bootstrap_servers"])
    producer.send(CONTACTS, key=b"somebody", value=b"Aino writes no JSON").get(10)
    producer.close()
    status, letters = wait_for(lambda: answer if (answer := running.uso("dead-letters", "list"))[1]["events"] else None)
    assert status == 1, "a dead letter is something wrong"
    (letter,) = letters["events"]
    assert "Aino" not in str(running.uso("dead-letters", "show", letter["id"]))
    status, answer = running.uso("dead-letters", "redrive", letter["id"])
    assert (status, answer["events"]["state"]) == (1, "dead")
    assert running.uso("dead-letters", "discard", letter["id"])[0] == 2, "it asks for a reason"
    status, answer = running.uso("dead-letters", "discard", letter["id"], "--reason", "a test")
    assert (status, answer["events"]["state"]) == (0, "discarded")
    assert running.uso("dead-letters", "list")[0] == 0


def test_a_replay_and_topics_through_the_command(running: Running) -> None:
    status, replayed = running.uso("replay", CONTACTS, "--from", "2099-01-01T00:00:00Z")
    assert (status, replayed["events"]["state"]) == (0, "completed")
    status, topics = running.uso("topics")
    missing = {row["topic"] for rows in topics.values() for row in rows if not row["exists"] or row["differs"]}
    assert (status, missing) == (0, set())


def test_what_is_not_there_is_said_in_a_sentence(running: Running, tmp_path: Path) -> None:
    status, said = running.uso("rebuild", "nothing")
    assert status == 1
    assert "No service has a projection nothing." in said
    command = [sys.executable, "-m", "deploy.local.cli", "ops", "lag", "--run-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "stack.json" in done.stderr

"""The operator of real services: `uso ops` on enrolment and events, with Kafka and MongoDB between them."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from kafka import KafkaProducer
from pymongo import MongoClient

from deploy.local.stack import Stack
from shared.testing import wait_for

pytestmark = pytest.mark.slow
CONTACTS = "uso.enrolment.contacts.v1"


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
            "--run-dir",
            str(self.directory),
            "--json",
        ]
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
    with Stack(directory, keep=False, services=("enrolment", "events")) as stack:
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

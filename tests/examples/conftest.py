"""The stack that has told the demo's story, and on its topics what a good subscriber must not fall for."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from deploy.local.demo.story_state import StoryState
from tests.support import wait_for

EXAMPLES = Path(__file__).parents[2] / "examples"
ORGANISATIONS = "uso.enrolment.organisations.v1"
ENROLMENTS = "uso.enrolment.enrolments.v1"
WORKSHOP_DAYS = "uso.enrolment.workshop-days.v1"
EVENTS = "uso.events.events.v1"
NEVER = "00000000-0000-7000-8000-000000000001"
GONE = "00000000-0000-7000-8000-000000000002"
NODE_IS_HERE = bool(shutil.which("node") and shutil.which("npm"))
collect_ignore = [] if NODE_IS_HERE else ["test_node.py"]

Json = dict[str, Any]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not NODE_IS_HERE:
        terminalreporter.write_line("There is no Node.js with npm here: examples/node was not tested.")


@pytest.fixture(scope="module")
def story(season_told: StoryState) -> StoryState:
    """The story, and then: the workshop was held; an aborted transaction; an organisation that is gone."""
    story = season_told
    story.manager.events.post(f"/v1/events/{story.workshop['id']}/transitions", {"to": "completed"})
    path = f"/v1/enrolments/{story.account['id']}/workshop-days"
    wait_for(lambda: story.coordinator.enrolment.get(path)["used"], what="the workshop's days to be used")
    write_what_was_never_committed(story.stack["kafka"]["bootstrap_servers"])
    write_what_is_gone(story.stack["kafka"]["bootstrap_servers"])
    return story


def message(type: str, state: Json, change: Json, sequence: int = 9) -> bytes:
    data = {"state": {"id": NEVER, "enrolment_id": NEVER, **state}, "change": change}
    document = {"specversion": "1.0", "id": NEVER, "type": f"fi.uso.{type}", "sequence": sequence, "data": data}
    return json.dumps(document).encode()


def write_what_was_never_committed(servers: str) -> None:
    """A relay that dies in the middle of its transaction leaves such records behind."""
    producer = KafkaProducer(bootstrap_servers=servers, transactional_id="test-aborted", acks="all")
    producer.init_transactions()
    producer.begin_transaction()
    organisation = {"organisation_id": NEVER, "season_id": NEVER, "state": "active"}
    step = {"from": "enrolled", "to": "active"}
    records = [
        (ORGANISATIONS, message("organisation.created", {"name": {"fi": "Ei koskaan"}}, {})),
        (ENROLMENTS, message("enrolment.transitioned", organisation, step)),
        (WORKSHOP_DAYS, message("workshop_days.used", {"available": 0, "ledger": []}, {"half_days": 1})),
        (EVENTS, message("event.transitioned", {"kind": "webinar", "state": "published"}, {"to": "published"})),
    ]
    futures = [producer.send(topic, key=NEVER.encode(), value=value) for topic, value in records]
    producer.flush()
    for future in futures:
        future.get(10)
    producer.abort_transaction()
    producer.close()


def write_what_is_gone(servers: str) -> None:
    """A tombstone, and an older message after it."""
    producer = KafkaProducer(bootstrap_servers=servers, acks="all")
    there = message("organisation.created", {"id": GONE, "name": {"fi": "Poistettu"}, "region": None}, {}, sequence=1)
    for value in (there, None, there):
        producer.send(ORGANISATIONS, key=GONE.encode(), value=value).get(10)
    producer.close()


@pytest.fixture
def environment(story: StoryState) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "KAFKA_BOOTSTRAP_SERVERS": story.stack["kafka"]["bootstrap_servers"]}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Callable[..., list[str]]:
    """Runs an example in Python with `--once`, and gives the lines that it printed."""

    def run(name: str, *arguments: str) -> list[str]:
        result = subprocess.run(
            [sys.executable, str(EXAMPLES / name), *arguments, "--once"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    return run

"""A rolling change: every process of a service is replaced while clients are at work, and no request fails."""

import os
import signal
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pymongo import MongoClient

from deploy.local.stack import Stack
from tests.support import wait_for

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two of each process of enrolment; one that starts while the file `next` exists is of the next version."""
    scale = {"enrolment.api": 2, "enrolment.worker": 2, "enrolment.relay": 2}
    run_dir = tmp_path_factory.mktemp("rolling")
    mark = str(run_dir.resolve() / "next")

    def command(service: str, role: str) -> list[str]:
        return [sys.executable, "-m", "tests.faults.next_version", mark, service, role]

    quiet = {"LOG_LEVEL": "WARNING"}
    services = ("enrolment", "events")
    with Stack(
        run_dir, keep=False, services=services, scale=scale, environment=quiet, service_command=command
    ) as running:
        yield running


class Clients:
    """Some with a connection for each request, some with one that they keep. None tries again."""

    def __init__(self, info: dict[str, Any], *, count: int = 6) -> None:
        self.url = info["services"]["enrolment"]["url"]
        self.headers = {"Authorization": f"Bearer {info['tokens']['coordinator']}"}
        self.outcomes: Counter[str] = Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(n % 2 == 0,)) for n in range(count)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, keep: bool) -> None:
        session = requests.Session()
        while not self._stop.wait(0.01):
            body = {"kind": "other", "name": {"fi": str(uuid.uuid4())}}
            headers = {**self.headers, **({} if keep else {"Connection": "close"})}
            try:
                answer = session.post(f"{self.url}/v1/organisations", json=body, headers=headers, timeout=20)
                self.outcomes[str(answer.status_code)] += 1
            except requests.RequestException as error:
                self.outcomes[f"{'kept' if keep else 'fresh'}: {error!r:.150}"] += 1


def replace(stack: Stack, name: str) -> None:
    """Ends a process in an orderly way; returns when another runs in its place and is ready."""
    before = _process(stack, name)
    os.kill(before["pid"], signal.SIGTERM)
    wait_for(lambda: _process(stack, name)["pid"] != before["pid"], seconds=30, what=f"another {name}")
    wait_for(lambda: _is_ready(before["admin_url"]), seconds=60, what=f"{name} to be ready")


def test_no_request_fails_while_a_version_with_one_more_field_replaces_the_one_before(stack: Stack) -> None:
    names = [process["name"] for process in stack.info["services"]["enrolment"]["processes"]]
    with Clients(stack.info) as clients:
        wait_for(lambda: clients.outcomes["201"] > 50)
        (stack.directory / "next").touch()
        for name in names:
            replace(stack, name)
        done = clients.outcomes["201"]
        wait_for(lambda: clients.outcomes["201"] > done + 50)
    assert set(clients.outcomes) == {"201"}
    organisation = {"kind": "other", "name": {"fi": "Uusi"}, "web_address": "https://uusi.example"}
    url = f"{clients.url}/v1/organisations"
    made = requests.post(url, json=organisation, headers=clients.headers, timeout=20)
    assert (made.status_code, made.json()["web_address"]) == (201, "https://uusi.example")
    with MongoClient(stack.info["mongodb"]["uri"]) as mongo:
        projections, letters = mongo["uso_events"]["organisations"], mongo["uso_events"]["dead_letters"]
        total = mongo["uso_enrolment"]["organisations"].count_documents({})
        wait_for(lambda: projections.count_documents({}) == total, what="the events service to know all organisations")
        assert projections.find_one({"_id": made.json()["id"]})["name"] == {"fi": "Uusi"}
        assert letters.count_documents({}) == 0


def _process(stack: Stack, name: str) -> dict[str, Any]:
    processes = stack.info["services"]["enrolment"]["processes"]
    return next(process for process in processes if process["name"] == name)


def _is_ready(admin_url: str) -> bool:
    try:
        return requests.get(f"{admin_url}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False

"""A stack whose databases are backed up and set back: `make test-keep`."""

import json
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from pymongo import MongoClient

from deploy.local import scaling
from deploy.local.stack import Stack
from tests.support import wait_for

Dump = dict[str, list[dict[str, Any]]]
ROLES = ("api", "worker", "relay")


class Kept:
    """What an operator does with a running stack, and what people do with it meanwhile."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.mongo: MongoClient[dict[str, Any]] = MongoClient(stack.info["mongodb"]["uri"])

    def call(self, service: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self.stack.info['tokens']['manager']}",
            "Idempotency-Key": str(uuid.uuid4()),
        }
        url = self.stack.info["services"][service]["url"] + path
        answer = requests.post(url, json=body, headers=headers, timeout=30)
        assert answer.ok, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def publish_event(self) -> str:
        body = {
            "kind": "webinar",
            "title": {"fi": "Tilannekuva"},
            "starts_at": "2099-01-01T12:00:00Z",
            "ends_at": "2099-01-01T13:00:00Z",
            "capacity": 100,
            "audience": {"open_to": "public"},
        }
        event = str(self.call("events", "/v1/events", body)["id"])
        self.call("events", f"/v1/events/{event}/transitions", {"to": "published"})
        return event

    def register(self, event: str, name: str) -> str:
        """Registers somebody; their address."""
        address = f"{name}@people.example"
        person = {"given_name": name.title(), "family_name": "Meriläinen", "email": address, "language": "fi"}
        self.call("events", f"/v1/events/{event}/registrations", {"person": {**person, "organisation": "Esimerkki"}})
        return address

    def mails(self) -> Counter[str]:
        """How many mails each address got."""
        files = Path(self.stack.info["mail"]["directory"]).rglob("*.eml")
        return Counter(parseaddr(str(message_from_bytes(file.read_bytes())["To"]))[1] for file in files)

    def dump(self, service: str) -> Dump:
        """A backup of the service's database."""
        database = self.mongo[f"uso_{service}"]
        return {name: list(database[name].find()) for name in database.list_collection_names()}

    def restore(self, service: str, backup: Dump) -> None:
        """Sets the service's database back. Its indexes stay, as `mongorestore --drop` makes them anew."""
        database = self.mongo[f"uso_{service}"]
        for name in database.list_collection_names():
            database[name].delete_many({})
        for name, documents in backup.items():
            if documents:
                database[name].insert_many(documents)

    def environment(self, service: str) -> dict[str, str]:
        """The environment of the service's worker, while it runs."""
        [worker] = [process for process in self._processes(service) if process["role"] == "worker"]
        return psutil.Process(worker["pid"]).environ()

    def run(self, service: str, *arguments: str, environment: dict[str, str]) -> None:
        """One command of the service, as its image has it."""
        command = [sys.executable, "-m", f"services.{service}", *arguments]
        subprocess.run(command, env=environment, check=True, timeout=300)

    def scale(self, service: str, number: int, *roles: str) -> None:
        """So many of each process of the service, or of some of them; returns when it is so."""
        wanted = {f"{service}.{role}": number for role in roles or ROLES}
        scaling.ask(self.stack.directory, wanted)
        wait_for(lambda: self._counts(service).items() >= dict.fromkeys(roles or ROLES, number).items(), seconds=300)
        if number:
            wait_for(lambda: all(map(_is_ready, self._processes(service))), seconds=300, what=f"{service} to be ready")

    def _processes(self, service: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.stack.info["services"][service]["processes"]
        return found

    def _counts(self, service: str) -> dict[str, int]:
        counts = Counter(process["role"] for process in self._processes(service))
        return {role: counts[role] for role in ROLES}

    def ops(self, *arguments: str) -> dict[str, Any]:
        """What `uso ops` says."""
        command = [sys.executable, "-m", "deploy.local.cli", "ops", *arguments]
        command += ["--run-dir", str(self.stack.directory), "--json"]
        found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
        return found

    def lag(self, service: str) -> int:
        """How many records the service's workers have not read yet."""
        url = self.stack.info["services"][service]["url"] + "/v1/ops/lag"
        headers = {"Authorization": f"Bearer {self.stack.info['tokens']['operator']}"}
        answer = requests.get(url, headers=headers, timeout=30)
        assert answer.ok, answer.text
        # Of enrolment's topics there are none here; what could not be counted in time is not read yet.
        rows = [row for row in answer.json()["items"] if row.get("partition") is not None]
        return sum(1 if row.get("lag") is None else row["lag"] for row in rows)


def _is_ready(process: dict[str, Any]) -> bool:
    try:
        return requests.get(f"{process['admin_url']}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI", "SMTP_URL"):
            patch.delenv(name, raising=False)
        patch.setattr("deploy.local.stack.READY_SECONDS", 300.0)  # other work may go on beside it
        directory, quiet = tmp_path_factory.mktemp("kept"), {"LOG_LEVEL": "WARNING"}
        with Stack(directory, keep=False, services=("events", "notifications"), environment=quiet) as stack:
            found = Kept(stack)
            yield found
            found.mongo.close()

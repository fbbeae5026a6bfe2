"""A whole stack that has been told the season, watched by a real Prometheus and a collector of traces."""

import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from rich.console import Console

from deploy.local.demo.story import run_story
from deploy.local.demo.story_state import StoryState
from deploy.local.stack import Stack
from tests.http.test_server import free_port
from tests.otlp_receiver import Receiver, receiver
from tests.support import wait_for

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yaml"


@dataclass(frozen=True)
class Prometheus:
    """A server that scrapes every process once a second and evaluates our rules as often."""

    address: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.address}/api/v1/query", params={"query": expression}, timeout=10).json()
        assert answer["status"] == "success", answer
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def alerts(self) -> dict[str, set[str]]:
        """The names of the alerts that are firing, each with the services that it is about."""
        found = requests.get(f"{self.address}/api/v1/alerts", timeout=10).json()["data"]["alerts"]
        firing: dict[str, set[str]] = {}
        for alert in found:
            if alert["state"] == "firing":
                firing.setdefault(alert["labels"]["alertname"], set()).add(alert["labels"].get("service", ""))
        return firing


@pytest.fixture(scope="session")
def collector() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture(scope="session")
def watched(collector: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI", "SMTP_URL"):
            patch.delenv(name, raising=False)
        where = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.address}
        with Stack(tmp_path_factory.mktemp("watched"), keep=False, environment=where) as stack:
            yield stack


@pytest.fixture(scope="session")
def prometheus(watched: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus was not found: `make prometheus` fetches it")
    directory = tmp_path_factory.mktemp("prometheus")
    processes = [process for service in watched.info["services"].values() for process in service["processes"]]
    targets = [{"targets": [process["admin_url"].removeprefix("http://")]} for process in processes]
    (directory / "targets.json").write_text(json.dumps(targets))
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "uso", "file_sd_configs": [{"files": [str(directory / "targets.json")]}]}],
    }
    (directory / "prometheus.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = [program, f"--config.file={directory / 'prometheus.yaml'}", f"--web.listen-address={address}"]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, f"--storage.tsdb.path={directory / 'data'}"], stdout=log, stderr=log, env=dict(os.environ)
        )
        try:
            server = Prometheus(f"http://{address}")
            wait_for(lambda: _is_ready(server.address), seconds=30, what="Prometheus")
            wait_for(lambda: len(server.query('up{job="uso"} == 1')) == len(processes), seconds=60)
            yield server
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="session")
def told(watched: Stack, prometheus: Prometheus) -> StoryState:
    """The season, told while Prometheus watches."""
    return run_story(watched.info, Console(file=io.StringIO()))


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/-/ready", timeout=2).ok
    except requests.RequestException:
        return False

"""Stacks of the tests' own, with stand-ins for the services, and waiting with a deadline."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.stack import Stack
from tests.support import wait_for

HERE = Path(__file__).parent
OUTSIDE = ("KAFKA_BOOTSTRAP_SERVERS", "MONGODB_URI", "SMTP_URL")


def wait_until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """What `condition` gives as soon as it is true. Fails at the deadline."""
    return wait_for(condition, seconds=seconds)


def fake_command(service: str, role: str) -> list[str]:
    return [sys.executable, str(HERE / "fake_service.py"), role]


@pytest.fixture(scope="session", autouse=True)
def _no_outside_servers() -> Iterator[None]:
    """These tests are about the stack's own servers, whatever the caller's environment names."""
    with pytest.MonkeyPatch.context() as patch:
        for name in OUTSIDE:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("deploy")
    with Stack(
        directory, keep=False, scale={"events.worker": 2, "enrolment.api": 2}, service_command=fake_command
    ) as running:
        yield running


class Uso:
    """A `uso up` of a test's own."""

    def __init__(self, directory: Path, *arguments: str, **environment: str) -> None:
        self.directory = directory
        self.output = directory / "uso.output"
        directory.mkdir(exist_ok=True)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, HERE / "uso_with_fakes.py", "up", "--run-dir", directory, *arguments],
                env=os.environ | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=HERE.parents[1],
            )

    @property
    def file(self) -> Path:
        return self.directory / "stack.json"

    def info(self) -> dict[str, Any]:
        """What stack.json says, as soon as it is there."""

        def there() -> bool:
            assert self.process.poll() is None, self.output.read_text()
            return self.file.exists()

        wait_until(there, 90)
        return json.loads(self.file.read_text())

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def uso(tmp_path: Path) -> Iterator[Callable[..., Uso]]:
    """Starts `uso up`; whatever a test leaves running is stopped."""
    started: list[Uso] = []

    def start(*arguments: str, directory: Path = tmp_path / "run", **environment: str) -> Uso:
        started.append(Uso(directory, *arguments, **environment))
        return started[-1]

    yield start
    for stack in started:
        if stack.process.poll() is None:
            stack.end(signal.SIGTERM)

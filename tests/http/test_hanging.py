"""An api process whose threads hang is replaced; one that has a thread left is not."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.http.test_server import free_port
from tests.support import wait_for

THREADS = 2


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    options = [f"--bind=127.0.0.1:{port}", f"--threads={THREADS}", "--timeout=2", "--no-control-socket"]
    worker = "--worker-class=tests.http.hanging_app.Worker"
    command = [sys.executable, "-m", "gunicorn", *options, worker, "tests.http.hanging_app:app"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=log, start_new_session=True)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its own process too, whose threads hang
            process.wait()


def answered_by(address: str) -> str | None:
    try:
        return requests.get(f"{address}/", timeout=1).text
    except requests.RequestException:
        return None


def hang(stack: ExitStack, address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    connection = stack.enter_context(socket.create_connection((host, int(port))))
    connection.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")


def test_a_process_whose_threads_all_hang_is_replaced(address: str) -> None:
    before = wait_for(lambda: answered_by(address), seconds=60)
    with ExitStack() as stack:
        for _ in range(THREADS):
            hang(stack, address)
        wait_for(lambda: answered_by(address) not in (None, before), seconds=60)


def test_a_process_that_still_has_a_thread_goes_on(address: str) -> None:
    before = wait_for(lambda: answered_by(address), seconds=60)
    with ExitStack() as stack:
        for _ in range(THREADS - 1):
            hang(stack, address)
        patience = time.monotonic() + 5  # more than what a process whose threads all hang is given
        while time.monotonic() < patience:
            assert answered_by(address) == before

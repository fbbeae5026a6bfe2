"""What callers get from a real api process, whatever bytes they send or do not send."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from pymongo import MongoClient

from shared.ids import new_id
from shared.settings import Settings
from tests.http.conftest import SERVICES
from tests.support import Keys, wait_for

THREADS = 4
HEAD = b"Host: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"


@dataclass(kw_only=True)
class Server:
    """An api process and the ways to talk to it."""

    port: int
    admin_port: int
    process: subprocess.Popen[bytes]
    token: str
    collection: str
    log: Path

    @property
    def head(self) -> bytes:
        return HEAD % self.token.encode()

    def connect(self, *parts: bytes) -> socket.socket:
        """A connection on which `parts` were sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        for part in parts:
            connection.sendall(part)
        return connection

    def exchange(self, *parts: bytes) -> tuple[int, dict[str, str], Any]:
        """The status, headers and JSON body of the answer to these bytes."""
        with self.connect(*parts) as connection, connection.makefile("rb") as stream:
            status = int(stream.readline().split()[1])
            lines = iter(lambda: stream.readline().decode().strip(), "")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = stream.read(int(headers["content-length"]))
        return status, headers, json.loads(body)


@pytest.fixture(scope="module", params=SERVICES)
def server(
    request: pytest.FixtureRequest,
    mongo: MongoClient[Any],
    back_ends: dict[str, Any],
    keys: Keys,
    settings_for: Callable[..., Settings],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    settings = settings_for(request.param)
    database = f"test_server_{request.param}_{new_id()[-12:]}"
    metrics = tmp_path_factory.mktemp("metrics")
    (metrics / "counter_1.db").write_bytes(b"of a process that is no more")
    port, admin_port = free_port(), free_port()
    environment = os.environ | {
        "MONGODB_URI": back_ends["mongodb"]["uri"],
        "MONGODB_DATABASE": database,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "HTTP_PORT": str(port),
        "HTTP_THREADS": str(THREADS),
        "ADMIN_PORT": str(admin_port),
        "JWKS": str(keys.jwks),
        "JWT_ISSUER": settings.jwt_issuer,
        "JWT_AUDIENCE": settings.jwt_audience,
        "SEALING_KEYS": settings.sealing_keys[0],
        "SIGNING_KEYS": settings.signing_keys[0],
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    log = tmp_path_factory.mktemp("log") / "api.log"
    command = [sys.executable, "-m", f"services.{request.param}", "api"]
    process = subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2], stderr=log.open("w"))
    collection = {"enrolment": "/v1/organisations", "events": "/v1/events", "notifications": "/v1/suppressions"}
    made = Server(
        port=port,
        admin_port=admin_port,
        process=process,
        token=keys.token("coordinator"),
        collection=collection[request.param],
        log=log,
    )
    try:
        wait_for(lambda: _is_ready(port), seconds=200)
        yield made
    finally:
        process.kill()
        process.wait()
        mongo.drop_database(database)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n",
        b"POST /v1/organisations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{",
    ],
    ids=["silence", "half a head", "half a body"],
)
def test_half_open_connections_keep_nobody_from_an_answer(server: Server, half: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(5 * THREADS):
            stack.enter_context(server.connect(half))
        answers = [requests.get(f"http://127.0.0.1:{server.port}/healthz", timeout=4) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_metrics_of_an_earlier_run_are_not_counted_again(server: Server) -> None:
    answer = requests.get(f"http://127.0.0.1:{server.admin_port}/metrics", timeout=4)
    assert answer.status_code == 200
    assert "uso_http_requests_total" in answer.text


def test_probes_on_the_admin_port_answer_while_every_thread_waits_for_a_body(server: Server) -> None:
    chunked = b"POST %s HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n5\r\n{"
    with ExitStack() as stack:
        for _ in range(5 * THREADS):
            stack.enter_context(server.connect(chunked % (server.collection.encode(), server.head)))
        for path in ("healthz", "readyz", "metrics"):
            answer = requests.get(f"http://127.0.0.1:{server.admin_port}/{path}", timeout=5)
            assert answer.status_code == 200
    ready = requests.get(f"http://127.0.0.1:{server.admin_port}/readyz", timeout=5).json()
    assert ready["checks"] == {"mongodb": "ok", "workers": "ok"}


def test_a_request_that_arrives_byte_by_byte_is_answered(server: Server) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    status, _, body = server.exchange(*(request[i : i + 1] for i in range(len(request))))
    assert (status, body) == (200, {"status": "ok"})


@pytest.mark.parametrize("size", [10, 40_000, 70_000, 300_000])
def test_a_body_in_two_parts_is_read_whole(server: Server, size: int) -> None:
    body = b'{"colour": "' + b"x" * size + b'"}'
    head = b"POST %s HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (server.collection.encode(), server.head, len(body))
    status, _, problem = server.exchange(head + body[:7], body[7:])
    assert (status, problem["errors"]["colour"]) == (422, ["Unknown field."])


def test_one_connection_serves_requests_one_after_another_and_pipelined(server: Server) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with server.connect(request * 2, request[:10]) as connection, connection.makefile("rb") as stream:
        connection.sendall(request[10:])
        lines = iter(lambda: stream.readline(), b"")
        for _ in range(3):
            assert next(line for line in lines if line.startswith(b"HTTP/1.1")) == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("limit", [1_000_000])
def test_a_chunked_body_over_the_limit_is_413(server: Server, limit: int) -> None:
    head = b"POST %s HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n" % (server.collection.encode(), server.head)
    body = b'{"colour": "' + b"x" * limit + b'"}'
    status, headers, problem = server.exchange(head, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert (status, headers["content-type"], problem["status"]) == (413, "application/problem+json", 413)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX Y: 1\r\n\r\n", 400),
        (b"gibberish\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: foo\r\n\r\n", 501),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    ],
    ids=["long line", "long header", "bad header", "gibberish", "version", "coding", "no host"],
)
def test_a_malformed_request_gets_problem_details(server: Server, request_: bytes, status: int) -> None:
    answered, headers, problem = server.exchange(request_)
    assert (answered, headers["content-type"]) == (status, "application/problem+json")
    assert problem["status"] == status
    assert {"type", "title", "detail", "instance"} <= problem.keys()


def test_a_request_cannot_move_the_addresses(server: Server) -> None:
    request = b"GET /docs%s HTTP/1.1\r\n%sSCRIPT_NAME: /docs\r\nX-Script-Name: /docs\r\n\r\n"
    status, _, problem = server.exchange(request % (server.collection.encode(), server.head))
    assert (status, problem["title"]) == (404, "Not Found")


def test_invented_methods_make_no_time_series(server: Server) -> None:
    def invent(number: int) -> int:
        return requests.request(f"AB{number:05}X", f"http://127.0.0.1:{server.port}/healthz", timeout=10).status_code

    assert {invent(number) for number in range(50)} == {405}
    metrics = requests.get(f"http://127.0.0.1:{server.admin_port}/metrics", timeout=10).text
    assert 'method="other"' in metrics
    assert not any(f"AB{number:05}X" in metrics for number in range(50))


def test_every_line_of_the_log_is_json_and_none_quotes_a_malformed_request(server: Server) -> None:
    server.exchange(b"GET /v1/contacts?q=Meikalainen HTTP/9.9\r\nHost: x\r\n\r\n")
    server.exchange(b"GET /v1/contacts?q=Meikalainen HTTP/1.1\r\nHost: x\r\nX Y: Meikalainen\r\n\r\n")
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert any(line["event"].startswith("Malformed request") for line in lines)
    assert any("Listening at" in line["event"] for line in lines)
    assert "Meikalainen" not in server.log.read_text()


def test_a_half_open_connection_does_not_hold_up_the_end(server: Server) -> None:
    """The last test of a server: it ends it."""
    with closing(server.connect(b"GET /healthz HTTP/1.1\r\n")):
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(10)

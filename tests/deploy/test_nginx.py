"""The proxy configuration that is shipped, as nginx reads it, in front of a service that notes its callers."""

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support import wait_for

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
HOST = {"Host": "events.example.org"}

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


@dataclass
class Proxy:
    url: str
    port: int
    log: Path
    seen: list[dict[str, str]] = field(default_factory=list)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """nginx with the shipped files, but for ports, paths and TLS."""
    directory = tmp_path_factory.mktemp("nginx")
    port = _free_port()
    made = Proxy(f"http://127.0.0.1:{port}", port, directory / "access.log")

    class Service(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.seen.append(dict(self.headers))
            body = json.dumps({"path": self.path}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    service = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    text = (CONFIGURATION / "nginx.conf").read_text()
    for ours, here in {
        "pid /run/uso-nginx.pid;": f"pid {directory}/pid; daemon off;",
        "/dev/stdout": str(made.log),
        "include problems.conf": f"include {CONFIGURATION}/problems.conf",
        "server 127.0.0.1:8082": f"server 127.0.0.1:{service.server_port}",
        "server 127.0.0.1:8083": "server 127.0.0.1:9",
        "listen 80 default_server": f"listen 127.0.0.1:{_free_port()}",
        "listen 443 ssl": f"listen 127.0.0.1:{port}",
        "/etc/ssl/uso/": f"{directory}/",
    }.items():
        assert ours in text
        text = text.replace(ours, here)
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=uso", "-keyout"]
    command = [*certificate, f"{directory}/privkey.pem", "-out", f"{directory}/fullchain.pem"]
    subprocess.run(command, check=True, capture_output=True)
    (directory / "nginx.conf").write_text(text)
    arguments = [str(NGINX), "-p", str(directory), "-c", str(directory / "nginx.conf")]
    tried = subprocess.run([*arguments, "-t"], capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _answers(port), seconds=20)
        yield made
    finally:
        process.terminate()
        process.wait(20)
        service.shutdown()


def _answers(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def test_half_requests_never_reach_the_service(proxy: Proxy) -> None:
    halves = (
        b"GET /v1/events HTTP/1.1\r\nHost: events.example.org\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: events.example.org\r\nContent-Length: 50\r\n\r\n{",
    )
    before = len(proxy.seen)
    with ExitStack() as stack:
        for half in halves * 20:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port)))
            connection.sendall(half)
        assert requests.get(f"{proxy.url}/v1/events", headers=HOST, timeout=5).status_code == 200
        assert len(proxy.seen) == before + 1


def test_the_service_hears_the_caller_s_address_and_not_what_the_caller_says(proxy: Proxy) -> None:
    requests.get(f"{proxy.url}/v1/events", headers={**HOST, "X-Forwarded-For": "192.0.2.1"}, timeout=5)
    assert proxy.seen[-1]["X-Forwarded-For"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("path", "size", "status"), [("/v1/events", 2_000_000, 413), ("/v1/events/1/attendance", 2_000_000, 200)]
)
def test_bodies_have_the_services_own_limits(proxy: Proxy, path: str, size: int, status: int) -> None:
    answer = requests.post(proxy.url + path, data=b"x" * size, headers=HOST, timeout=20)
    assert answer.status_code == status
    assert (answer.headers.get("Content-Type") == "application/problem+json") is (status == 413)


def test_a_service_that_is_away_is_503_with_problem_details(proxy: Proxy) -> None:
    answer = requests.get(f"{proxy.url}/v1/templates", headers={"Host": "notifications.example.org"}, timeout=10)
    assert (answer.status_code, answer.json()["status"], answer.headers["Retry-After"]) == (503, 503, "2")


def test_two_hundred_ids_fit_and_neither_searches_nor_tokens_are_logged(proxy: Proxy) -> None:
    ids = ",".join(["01850000-0000-7000-8000-000000000002"] * 200)
    assert requests.get(f"{proxy.url}/v1/events?ids={ids}", headers=HOST, timeout=5).status_code == 200
    requests.get(f"{proxy.url}/v1/events?q=Meikalainen", headers=HOST, timeout=5)
    requests.get(f"{proxy.url}/public/registrations/s3cret/calendar.ics", headers=HOST, timeout=5)
    wait_for(lambda: "/public/registrations/-" in proxy.log.read_text(), seconds=10)
    assert not any(word in proxy.log.read_text() for word in ("Meikalainen", "s3cret"))

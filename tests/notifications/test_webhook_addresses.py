"""Webhooks reach what everybody reaches, and nothing that only we can reach."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notifications.webhooks import endpoint
from services.notifications.webhooks.addresses import Refused, Target, is_public, resolve
from services.notifications.webhooks.endpoint import Endpoint
from shared.ids import utc_now
from tests.notifications.conftest import Notifications
from tests.support import Client


@pytest.fixture
def client(notifications: Notifications) -> Client:
    return notifications.client


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A name server's answers."""
    known: dict[str, list[str]] = {}
    ask = socket.getaddrinfo

    def answer(host: str, port: int, *args: Any, **options: Any) -> Any:
        if host not in known:
            return ask(host, port, *args, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return known


INNER = [
    *("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.5.4", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.2.7", "198.51.100.7", "203.0.113.7"),
    *("198.18.0.1", "192.0.0.8", "192.88.99.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808"),
    *("64:ff9b:1::1", "fe80::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "3fff::1"),
    *("2002:7f00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "100::1", "5f00::1"),
]


@pytest.mark.parametrize("address", INNER)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.0.1", "2a00:1450:4026::1"])
def test_the_rest_is(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", INNER)
def test_a_name_that_leads_there_is_refused(names: dict[str, list[str]], address: str) -> None:
    names["hook.example"] = [address]
    with pytest.raises(Refused):
        resolve("https://hook.example/in")


def test_one_inner_address_among_several_is_enough_to_refuse(names: dict[str, list[str]]) -> None:
    names["hook.example"] = ["8.8.8.8", "10.0.0.1"]
    with pytest.raises(Refused):
        resolve("https://hook.example/in")
    names["hook.example"] = ["8.8.8.8", "8.8.4.4"]
    assert resolve("https://hook.example/in?x=1").address == "8.8.8.8"


@pytest.mark.parametrize(
    "url",
    [
        "http://hook.example/in",
        "https://user:secret@hook.example/",
        "https://user@hook.example/",
        "https://hook.example/#part",
        "https://hook.example:99999/",
        "https://hook.example/a b",
        "https://hook.example/\tx",
        "https:///nobody",
        "ftp://hook.example/",
        "file:///etc/passwd",
        "gopher://hook.example/",
        "https://höök.example/",
        "https://[::1/",
        "hook.example",
        "",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://017700000001/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
        "https://hook.example/" + "x" * 2000,
    ],
)
def test_such_urls_are_refused(names: dict[str, list[str]], url: str) -> None:
    names["hook.example"] = ["8.8.8.8"]
    with pytest.raises(Refused):
        resolve(url)


def test_the_operator_may_allow_a_network_and_plain_http_there(names: dict[str, list[str]]) -> None:
    names["inner.example"] = ["10.1.0.7"]
    allowed = [ip_network("10.1.0.0/16")]
    assert resolve("http://inner.example:8080/in", allowed=allowed).address == "10.1.0.7"
    names["inner.example"] = ["10.2.0.7"]
    with pytest.raises(Refused):
        resolve("http://inner.example:8080/in", allowed=allowed)
    names["inner.example"] = ["8.8.8.8"]
    with pytest.raises(Refused):
        resolve("http://inner.example/", allowed=allowed)


@pytest.mark.parametrize("address", ["10.0.0.1", "64:ff9b::a00:1", "169.254.169.254"])
def test_registration_and_change_refuse_them(client: Client, names: dict[str, list[str]], address: str) -> None:
    names["hook.example"] = [address]
    body = {"url": "https://hook.example/in", "types": ["event.*"]}
    answer = client.post("/v1/webhooks", json=body, role="manager")
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["url"]

    names["hook.example"] = ["8.8.8.8"]
    made = client.post("/v1/webhooks", json=body, role="manager")
    assert made.status_code == 201
    names["other.example"] = [address]
    path, patch = f"/v1/webhooks/{made.json['id']}", {"url": "https://other.example/"}
    changed = client.patch(path, json=patch, headers={"If-Match": "*"}, role="manager")
    assert changed.status_code == 422


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - timedelta(hours=1))
        .not_valid_after(utc_now() + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = directory / f"{name}.crt", directory / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """A server on loopback that gives one answer, byte by byte if `drip`; its port."""
    listeners: list[socket.socket] = []

    def start(answer: bytes, *, name: str | None = None, drip: float = 0) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        tls = None
        if name:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*certificate(tmp_path, name))

        def serve() -> None:
            while True:
                try:
                    taken, _ = listener.accept()
                    spoken = tls.wrap_socket(taken, server_side=True) if tls else taken
                    asked = b""
                    while not asked.endswith(b"\r\n\r\n{}"):  # closed before it is read, it would reset the answer
                        asked += spoken.recv(65536) or b"\r\n\r\n{}"
                    pause = threading.Event()
                    for place in range(len(answer)) if drip else ():
                        spoken.sendall(answer[place : place + 1])
                        pause.wait(drip)
                    if not drip:
                        spoken.sendall(answer)
                    spoken.close()
                except ssl.SSLError:
                    continue
                except OSError:
                    if listener.fileno() < 0:
                        return

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def target(port: int, **changes: Any) -> Target:
    usual = {"scheme": "http", "host": "hook.example", "port": port, "path": "/in", "address": "127.0.0.1"}
    return Target(**(usual | changes))


def test_the_pinned_address_is_called_under_the_hosts_name(
    answering: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name server is asked again: hook.example is a name that nobody has."""
    port = answering(OK, name="hook.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "hook.example.crt"))
    called = Endpoint(target(port, scheme="https"))
    assert called.post(b"{}", {}).status == 200
    called.close()


def test_a_certificate_of_another_name_is_refused(
    answering: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = answering(OK, name="other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.example.crt"))
    answer = Endpoint(target(port, scheme="https")).post(b"{}", {})
    assert (answer.status, answer.error) == (None, "SSLCertVerificationError")


def test_a_dripping_answer_ends_in_time(answering: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "CALL_SECONDS", 0.5)
    port = answering(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 1000, drip=0.05)
    answer = Endpoint(target(port)).post(b"{}", {})
    assert (answer.status, answer.error) == (None, "timeout")


def test_a_large_answer_is_not_read_to_its_end(answering: Callable[..., int]) -> None:
    port = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100_000)
    assert Endpoint(target(port)).post(b"{}", {}).status == 200


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 70_000])
def test_what_is_no_http_is_no_answer(answering: Callable[..., int], answer: bytes) -> None:
    told = Endpoint(target(answering(answer))).post(b"{}", {})
    assert told.status is None
    assert told.error

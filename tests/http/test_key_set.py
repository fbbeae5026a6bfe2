"""Where the keys of tokens come from: new ones are found, removed ones forgotten, outages outlived."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.errors import Unauthorized, Unavailable
from shared.http.auth import Tokens
from shared.http.key_set import KeySet
from shared.ids import new_id, utc_now
from shared.mongo.database import connect
from shared.settings import Settings
from tests.http.conftest import Api
from tests.support import Client, Keys
from tests.support.clients import AUDIENCE, ISSUER


class Issuer:
    """An https server that gives out what `document` holds; None: it answers 500."""

    def __init__(self, directory: Path) -> None:
        issuer = self
        self.document: Any = None
        self.asked = 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps(issuer.document).encode()
                self.send_response(200 if issuer.document is not None else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(directory))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"https://127.0.0.1:{self.server.server_port}/keys"


def _certificate(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - timedelta(hours=1))
        .not_valid_after(utc_now() + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = directory / "issuer.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    made = Issuer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "issuer.pem"))
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def old(tmp_path: Path) -> Keys:
    (tmp_path / "old").mkdir()
    return Keys(tmp_path / "old", kid="old")


@pytest.fixture
def new(tmp_path: Path) -> Keys:
    (tmp_path / "new").mkdir()
    return Keys(tmp_path / "new", kid="new")


def jwks(*keys: Keys) -> dict[str, Any]:
    return {"keys": [key for each in keys for key in json.loads(each.jwks.read_text())["keys"]]}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def tokens(source: str, clock: Clock) -> Tokens:
    made = Tokens(jwks=source, issuer=ISSUER, audience=AUDIENCE)
    made._keys = KeySet(source, clock=clock)
    return made


def test_a_key_that_was_taken_out_of_the_url_is_forgotten_after_five_minutes(
    issuer: Issuer, old: Keys, new: Keys
) -> None:
    clock, issuer.document = Clock(), jwks(old, new)
    checked = tokens(issuer.url, clock)
    token = old.token("viewer")
    assert checked.claims(token)["sub"] == "test-viewer"
    issuer.document = jwks(new)
    clock.now = 301
    for refused in (token, old.token("manager")):
        with pytest.raises(Unauthorized):
            checked.claims(refused)
    assert checked.claims(new.token("viewer"))


def test_a_new_key_is_asked_for_at_once_and_unknown_keys_do_not_make_us_ask_each_time(
    issuer: Issuer, old: Keys, new: Keys
) -> None:
    clock, issuer.document = Clock(), jwks(old)
    checked = tokens(issuer.url, clock)
    checked.claims(old.token("viewer"))
    issuer.document = jwks(old, new)
    clock.now = 11
    assert checked.claims(new.token("viewer"))
    asked, stranger = issuer.asked, Keys(new.jwks.parent, kid="stranger")
    for _ in range(20):
        with pytest.raises(Unauthorized):
            checked.claims(stranger.token("viewer"))
    assert issuer.asked == asked


def test_while_the_url_is_away_the_last_keys_are_good_for_ten_minutes(issuer: Issuer, old: Keys) -> None:
    clock, issuer.document = Clock(), jwks(old)
    checked = tokens(issuer.url, clock)
    checked.claims(old.token("viewer"))
    issuer.document = None
    clock.now = 301
    assert checked.claims(old.token("viewer"))
    clock.now = 601
    with pytest.raises(Unavailable):
        checked.claims(old.token("viewer"))
    issuer.document = jwks(old)
    clock.now = 604
    assert checked.claims(old.token("viewer"))


@pytest.mark.parametrize("wrong", ["missing", "half", "no set"])
def test_a_file_that_cannot_be_read_for_a_moment_refuses_nobody(old: Keys, new: Keys, wrong: str) -> None:
    clock = Clock()
    checked = tokens(str(old.jwks), clock)
    token = old.token("viewer")
    assert checked.claims(token)
    text = old.jwks.read_text()
    old.jwks.unlink()
    if wrong != "missing":
        old.jwks.write_text(text[:40] if wrong == "half" else "[]")
    assert checked.claims(token)
    old.jwks.write_text(json.dumps(jwks(new)))
    clock.now = 3
    assert checked.claims(new.token("viewer"))
    with pytest.raises(Unauthorized):
        checked.claims(token)


def test_an_empty_set_withdraws_all_keys(old: Keys) -> None:
    checked = tokens(str(old.jwks), Clock())
    token = old.token("viewer")
    checked.claims(token)
    old.jwks.write_text('{"keys": []}')
    with pytest.raises(Unauthorized):
        checked.claims(token)


def test_without_any_keys_the_answer_is_503_and_says_when_to_come_back(
    api: Api, tmp_path: Path, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(api.service.name, jwks=str(tmp_path / "missing.json"))
    app = api.service.app(settings, connect("mongodb://127.0.0.1:9", new_id()))
    answer = Client(app, api.client.keys).get(api.example.collection)
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert int(answer.headers["Retry-After"]) > 0

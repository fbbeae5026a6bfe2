"""What the doctor finds wrong with a service, from inside of it."""

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.command_line.processes import examine
from ops.context import OpsContext
from ops.doctor import check_up
from ops.doctor.certificates import certificates
from ops.doctor.settings import settings
from ops.reading import admin
from shared.ids import new_id, utc_now
from shared.messaging.unsendable import note_unsendable
from shared.mongo.database import DEAD_LETTERS, LEASES, OFFSETS
from shared.mongo.journal import JOURNAL
from shared.settings import Settings
from tests.ops.conftest import Operation
from tests.support import wait_for

Findings = dict[str, list[str]]


def findings(operation: Operation, severity: str = "wrong") -> Findings:
    """What `GET /v1/ops/doctor` says, by check."""
    checks = operation.get("doctor")["checks"]
    return {
        check["name"]: [finding["what"] for finding in check["findings"] if finding["severity"] == severity]
        for check in checks
    }


def with_settings(operation: Operation, **changes: Any) -> OpsContext:
    settings = Settings(**(vars(operation.settings) | changes))
    return OpsContext(
        settings=settings,
        db=operation.db,
        topics=operation.service.topics,
        subscriptions=operation.service.subscriptions,
    )


def lead(operation: Operation) -> None:
    """As a relay that has just renewed its lease leaves it."""
    row = {"holder": "relay-1 host/1/x", "until": utc_now() + dt.timedelta(minutes=5)}
    operation.db[LEASES].update_one({"_id": f"{operation.service.name}-relay-0"}, {"$set": row}, upsert=True)


def test_a_service_whose_worker_reads_and_whose_relay_leads_has_nothing_wrong(operation: Operation) -> None:
    lead(operation)
    with operation.consuming():
        healthy = wait_for(lambda: all(not found for found in findings(operation).values()), seconds=30)
    assert healthy
    assert {"settings", "certificates", "database", "clock", "topics", "outbox"} <= findings(operation).keys()


def test_every_remedy_is_there(operation: Operation) -> None:
    found = [finding for check in operation.get("doctor")["checks"] for finding in check["findings"]]
    assert found
    assert all(finding["remedy"].endswith((".", "…")) for finding in found), found


def test_no_relay_and_no_worker_are_named(operation: Operation) -> None:
    found = findings(operation)
    assert found["outbox"] == ["No relay leads: nobody hears of this service's changes."]
    assert found["reading"] == ["No worker reads messages."]


def test_changes_that_wait_are_counted_with_their_age(operation: Operation) -> None:
    lead(operation)
    row = {"topic": operation.topic, "key": "k", "value": b"{}", "headers": [], "sequence": 1, "slot": 1}
    operation.db[JOURNAL].insert_one({"_id": new_id(), "at": utc_now() - dt.timedelta(minutes=3), **row})
    [what] = findings(operation)["outbox"]
    assert what.startswith("1 changes wait for the relay, the oldest for 18")


def test_a_row_that_holds_up_the_relay_is_named_with_the_command_that_lets_it_past(operation: Operation) -> None:
    lead(operation)
    row = {"_id": new_id(), "topic": operation.topic, "kind": "thing"}
    note_unsendable(operation.db, row, size=9_000_000)
    [check] = [check for check in operation.get("doctor")["checks"] if check["name"] == "outbox"]
    [finding] = check["findings"]
    assert finding["severity"] == "wrong"
    assert finding["what"].startswith(f"The row {row['_id']} for {operation.topic} is too large for Kafka")
    assert finding["remedy"].endswith(f"uso ops outbox skip {row['_id']} --reason …")


def test_a_topic_that_is_gone_or_differs_is_named(operation: Operation) -> None:
    with admin(operation.settings) as client:
        client.delete_topics([operation.topic])
    [what] = wait_for(lambda: findings(operation)["topics"], seconds=30)
    assert what == f"{operation.topic} does not exist, or this service has no right to see it."


def test_offsets_of_a_topic_that_was_made_anew_are_found(operation: Operation) -> None:
    row = {"next": 0, "topic_id": "of another log", "at": utc_now()}
    operation.db[OFFSETS].insert_one({"_id": f"uso.{operation.service.name}/{operation.topic}/1", **row})
    [what] = findings(operation)["replaced topics"]
    assert "was lost, cut or made anew" in what
    assert "(partitions 1)" in what


def test_offsets_behind_the_end_of_a_topic_are_found(operation: Operation) -> None:
    operation.db[OFFSETS].insert_one(
        {"_id": f"uso.{operation.service.name}/{operation.topic}/2", "next": 7, "at": utc_now()}
    )
    [what] = findings(operation)["replaced topics"]
    assert "(partitions 2)" in what


def test_dead_letters_are_counted_by_topic(operation: Operation) -> None:
    letters = [{"_id": new_id(), "state": state, "about": {"topic": "t"}} for state in ("dead", "dead", "redriven")]
    operation.db[DEAD_LETTERS].insert_many(letters)
    assert findings(operation)["dead letters"] == ["2 messages of t could not be handled."]


def test_without_kafka_the_rest_is_examined_all_the_same(operation: Operation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.doctor.messages.ANSWER_SECONDS", 1.0)
    monkeypatch.setattr("ops.lag.ANSWER_SECONDS", 1.0)
    monkeypatch.setattr("ops.reading.ANSWER_SECONDS", 1.0)
    away = with_settings(operation, kafka_bootstrap_servers=["127.0.0.1:9"])
    checks = {check["name"]: [finding.what for finding in check["findings"]] for check in check_up(away)["checks"]}
    assert checks["topics"] == ["Kafka does not answer this service."]
    assert checks["outbox"] == ["No relay leads: nobody hears of this service's changes."]


def test_keys_that_cannot_be_read_are_wrong_and_open_kafka_is_advised_against(operation: Operation) -> None:
    unwise = with_settings(operation, jwks="/nowhere/jwks.json", kafka_bootstrap_servers=["kafka.example:9092"])
    assert [(finding.severity, finding.what.partition(":")[0]) for finding in settings(unwise)] == [
        ("wrong", "The keys that tokens are checked with cannot be read"),
        ("advice", "Messages go to Kafka unencrypted, and it takes anybody who reaches it."),
    ]


def certificate(directory: Path, days: int) -> Path:
    """A key and a certificate for 127.0.0.1 that ends after so many days, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(utc_now() - dt.timedelta(days=100))
        .not_valid_after(utc_now() + dt.timedelta(days=days, hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    file = directory / f"{days}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


class Process(BaseHTTPRequestHandler):
    """A process's admin port, which is not ready and has met a gap."""

    def do_GET(self) -> None:
        if self.path == "/readyz":
            self.send_response(503)
            body = '{"status": "not ready", "checks": {"mongodb": "ok", "consumer": "Halted"}}'
        else:
            self.send_response(200)
            body = (
                "# TYPE uso_sequence_leaps_total counter\n"
                'uso_sequence_leaps_total{service="events",topic="t"} 2.0\n'
                'uso_oldest_due_delivery_seconds{service="events"} 12.0\n'
            )
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Process)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("days", "severity"), [(400, None), (20, "advice"), (3, "wrong"), (-3, "wrong")])
def test_a_certificate_is_told_of_a_month_before_it_ends(
    operation: Operation, served: ThreadingHTTPServer, tmp_path: Path, days: int, severity: str | None
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path, days))
    served.socket = context.wrap_socket(served.socket, server_side=True)
    address = f"127.0.0.1:{served.server_port}"
    secured = with_settings(operation, kafka_security_protocol="SSL", kafka_bootstrap_servers=[address])
    found = list(certificates(secured))
    assert [finding.severity for finding in found] == ([severity] if severity else [])
    assert all(f"of Kafka at {address} ends on " in finding.what for finding in found)


def test_a_process_that_is_not_ready_or_has_met_a_gap_is_named(served: ThreadingHTTPServer) -> None:
    found = list(examine("events-worker-1", f"http://127.0.0.1:{served.server_port}"))
    assert [(finding["severity"], finding["what"]) for finding in found] == [
        ("wrong", "events-worker-1 is not ready (consumer: Halted)."),
        ("wrong", "events-worker-1: t: 2 messages came with a gap before them."),
    ]


def test_a_process_that_is_away_is_named() -> None:
    [found] = examine("events-relay-1", "http://127.0.0.1:9")
    assert found["what"] == "events-relay-1 does not answer (ConnectionError)."

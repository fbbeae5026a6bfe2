"""A broker that speaks TLS and asks everybody for a password: the product's clients get in, others do not."""

import datetime
import ipaddress
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kafka.errors import KafkaError

from deploy.local import kafka
from deploy.local.kafka_jars import class_path
from deploy.local.ports import Ports
from shared.ids import new_id
from shared.messaging.kafka_clients import make_admin
from shared.messaging.subscriptions import Projection
from shared.messaging.topics import ensure_topics, service_topics, state_topic
from shared.settings import Settings
from tests.support import wait_for

pytestmark = pytest.mark.long
USERS = {"broker": "b-secret", "relay": "r-secret"}


def certificate(directory: Path) -> tuple[str, Path]:
    """A certificate for 127.0.0.1 that signs itself: the broker's PEM key store, and the file for CA_FILE."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=5))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    ca = directory / "ca.pem"
    ca.write_bytes(public)
    store = directory / "broker.pem"
    store.write_bytes(private + public)
    return str(store), ca


@pytest.fixture(scope="module")
def locked_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    directory = tmp_path_factory.mktemp("locked")
    store, ca = certificate(directory)
    ports = Ports(directory / "ports.json")
    config = kafka.write_config(directory=directory, broker_id=1, brokers=1, ports=ports)
    users = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
    login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    settings = {
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_SSL",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": store,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": ca,
        "listener.name.plaintext.plain.sasl.jaas.config": (
            f'{login} username="broker" password="{USERS["broker"]}" {users};'
        ),
    }
    with config.open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in settings.items())
    classes = class_path()
    kafka.format_storage(directory=directory, broker_id=1, cluster_id="b1ocked0R5u0bB0Rk0n0aA", classes=classes)
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            kafka.command(config), env={**os.environ, "CLASSPATH": classes}, stdout=log, stderr=log
        )
        try:
            yield SimpleNamespace(address=f"127.0.0.1:{ports['kafka-1']}", ca=ca, log=directory / "log")
        finally:
            process.kill()
            process.wait(20)


@pytest.fixture
def locked(locked_broker: SimpleNamespace, settings_for: Any) -> Settings:
    settings: Settings = settings_for(
        f"t{new_id()[-8:]}",
        kafka_bootstrap_servers=[locked_broker.address],
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="PLAIN",
        kafka_sasl_username="relay",
        kafka_sasl_password="r-secret",
        kafka_ssl_ca_file=str(locked_broker.ca),
    )

    def answers() -> bool:
        try:
            make_admin(settings, "test", bootstrap_timeout_ms=3000, request_timeout_ms=3000).close()
        except KafkaError:
            return False
        return True

    wait_for(answers, seconds=60, what="the locked broker to answer")
    return settings


def test_a_message_goes_from_the_journal_through_a_locked_broker_to_its_effect(
    locked: Settings, service: SimpleNamespace, write: Any, relaying: Any, consuming: Any
) -> None:
    service.settings = replace(locked, service=service.name)
    ensure_topics([state_topic(service.topic), *service_topics(service.name)], service.settings)
    ids = write(service, 5)
    with relaying(service), consuming(service, {service.topic: [Projection(collection="copies")]}):
        wait_for(lambda: service.db["copies"].count_documents({"_id": {"$in": ids}}) == 5, seconds=60)


@pytest.mark.parametrize(
    "changes",
    [
        {"kafka_sasl_password": "a guess"},
        {"kafka_security_protocol": "PLAINTEXT", "kafka_sasl_username": "", "kafka_ssl_ca_file": ""},
        {"kafka_ssl_ca_file": ""},
    ],
    ids=["a wrong password", "no login", "a broker whose certificate is not known"],
)
def test_nobody_else_gets_in(locked: Settings, changes: dict[str, str]) -> None:
    with pytest.raises(KafkaError):
        make_admin(replace(locked, **changes), "test", bootstrap_timeout_ms=3000, request_timeout_ms=3000).close()

"""How a process logs in at Kafka, and the sentence about a setting that is wrong."""

from pathlib import Path

import pytest

from shared.kafka_settings import KafkaSettings
from shared.messaging.kafka_clients import connection_options

NAMES = ["KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"]
NAMES += ["KAFKA_SASL_PASSWORD_FILE", "KAFKA_SSL_CA_FILE"]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def reading(**variables: str) -> KafkaSettings:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return KafkaSettings.read()

    return reading


def test_nothing_but_an_address_is_a_plain_connection(read) -> None:  # type: ignore[no-untyped-def]
    assert connection_options(read()) == {"bootstrap_servers": ["127.0.0.1:1"], "security_protocol": "PLAINTEXT"}


def test_user_password_from_a_file_and_encryption(read, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    password = tmp_path / "password"
    password.write_text("p 1\n")
    settings = read(
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_SASL_USERNAME="events-relay",
        KAFKA_SASL_PASSWORD_FILE=str(password),
    )
    assert connection_options(settings) == {
        "bootstrap_servers": ["127.0.0.1:1"],
        "security_protocol": "SASL_SSL",
        "ssl_cafile": None,
        "ssl_check_hostname": True,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "events-relay",
        "sasl_plain_password": "p 1",
    }
    assert "p 1" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_PASSWORD": "p"}, "KAFKA_SASL_USERNAME"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "u"}, "KAFKA_SASL_PASSWORD"),
        (
            {
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SASL_USERNAME": "u",
                "KAFKA_SASL_PASSWORD": "p",
                "KAFKA_SASL_MECHANISM": "GSSAPI",
            },
            "KAFKA_SASL_MECHANISM",
        ),
        ({"KAFKA_SASL_USERNAME": "u"}, "KAFKA_SASL_USERNAME"),
        ({"KAFKA_SSL_CA_FILE": "/nowhere/ca.pem"}, "KAFKA_SSL_CA_FILE"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_FILE": "/nowhere/ca.pem"}, "KAFKA_SSL_CA_FILE"),
    ],
)
def test_a_setting_that_is_wrong_is_named_before_anything_connects(read, variables, named) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SystemExit, match=named):
        read(**variables)


def test_a_file_that_holds_no_certificates_is_named(read, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    empty = tmp_path / "ca.pem"
    empty.write_text("no certificate")
    with pytest.raises(SystemExit, match="KAFKA_SSL_CA_FILE"):
        read(KAFKA_SECURITY_PROTOCOL="SSL", KAFKA_SSL_CA_FILE=str(empty))

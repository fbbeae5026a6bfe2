"""Settings from the environment: values, files, defaults, and the sentence about what is wrong."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from shared.settings import Settings, read_settings

NEEDED = {
    "MONGODB_URI": "mongodb://127.0.0.1",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1,127.0.0.1:2",
    "JWKS": "jwks.json",
    "JWT_ISSUER": "https://login.example",
    "JWT_AUDIENCE": "uso",
}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    for name in ("PROCESS_NAME", "HTTP_PORT", "SEALING_KEYS", "SIGNING_KEYS", "MONGODB_DATABASE"):
        monkeypatch.delenv(name, raising=False)


def test_values_defaults_and_names_made_from_the_service() -> None:
    settings = read_settings("enrolment")
    assert settings.kafka_bootstrap_servers == ["127.0.0.1:1", "127.0.0.1:2"]
    assert (settings.http_port, settings.mongodb_database) == (8080, "uso_enrolment")


def test_no_two_processes_have_one_name() -> None:
    assert read_settings("enrolment").process_name == f"enrolment-{platform.node()}-{os.getpid()}"
    command = "from shared.settings import read_settings; print(read_settings('enrolment').process_name)"
    names = {subprocess.check_output([sys.executable, "-c", command], text=True).strip() for _ in range(2)}
    assert len(names) == 2


def test_a_secret_comes_from_the_file_that_is_named_and_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uri").write_text("mongodb://u:secret@db\n")
    monkeypatch.delenv("MONGODB_URI")
    monkeypatch.setenv("MONGODB_URI_FILE", str(tmp_path / "uri"))
    settings = read_settings("enrolment")
    assert settings.mongodb_uri == "mongodb://u:secret@db"
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"JWT_ISSUER": None}, "JWT_ISSUER"),
        ({"JWT_ISSUER": ""}, "JWT_ISSUER"),
        ({"HTTP_PORT": "many"}, "HTTP_PORT"),
        ({"HTTP_PORT": "70000"}, "HTTP_PORT"),
        ({"MONGODB_URI_FILE": "/dev/null"}, "MONGODB_URI_FILE"),
        ({"JWKS": None, "JWKS_FILE": "/nowhere/at/all"}, "JWKS_FILE"),
        ({"JWKS": "http://login.example/keys"}, "JWKS"),
        ({"SEALING_KEYS": "short"}, "SEALING_KEYS"),
    ],
    ids=str,
)
def test_a_wrong_setting_stops_the_process_with_a_sentence_that_names_it(
    changes: dict[str, str | None], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in changes.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=said):
        read_settings("enrolment")


@pytest.mark.parametrize("service", ["events", "notifications"])
def test_services_with_links_need_both_lists_of_keys(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALING_KEYS", Fernet.generate_key().decode())
    with pytest.raises(SystemExit, match="SIGNING_KEYS"):
        read_settings(service)
    monkeypatch.setenv("SIGNING_KEYS", Fernet.generate_key().decode())
    assert len(read_settings(service).signing_keys) == 1


def test_a_test_gives_just_what_it_is_about() -> None:
    settings = Settings.for_tests(service="events", http_threads=3)
    assert (settings.http_threads, settings.http_workers, settings.jwt_audience) == (3, 1, "uso-crm")

"""What a locked stack does for those who belong to it, and refuses to others."""

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import pytest
from kafka.errors import KafkaError
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure
from rich.console import Console

from deploy.local.demo.report import show
from deploy.local.demo.story_state import StoryState
from deploy.local.security import client_settings
from deploy.local.stack import Stack
from shared.messaging.kafka_clients import make_admin
from tests.support import wait_for


def test_the_whole_season_comes_right_on_it(told: StoryState) -> None:
    printed = io.StringIO()
    show(told, Console(file=printed))
    assert told.checks.held > 1000


def test_no_process_was_refused_anything(locked: Stack, told: StoryState) -> None:
    logs = (locked.directory / "logs").glob("*-*.log")
    denied = [
        line
        for log in logs
        if not log.name.startswith(("kafka", "mongodb"))
        for line in log.read_text(errors="replace").splitlines()
        if "AuthorizationFailed" in line or "not authorized" in line
    ]
    assert denied == []


def test_the_doctor_finds_nothing_wrong_with_it(locked: Stack, told: StoryState) -> None:
    def healthy() -> bool:
        command = [sys.executable, "-m", "deploy.local.cli", "doctor", "--run-dir", str(locked.directory), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        found = json.loads(done.stdout)
        return done.returncode == 0 and not found["processes"]

    wait_for(healthy, seconds=90, what="a clean bill of health")


@pytest.mark.parametrize(
    "changes",
    [
        {"kafka_sasl_password": "a guess"},
        {"kafka_security_protocol": "PLAINTEXT", "kafka_sasl_username": "", "kafka_ssl_ca_file": ""},
        {"kafka_ssl_ca_file": ""},
    ],
    ids=["a wrong password", "no login", "an authority that is not trusted"],
)
def test_kafka_lets_nobody_else_in(locked: Stack, changes: dict[str, str]) -> None:
    settings = replace(client_settings(locked.info["kafka"], "events-worker"), **changes)
    with pytest.raises(KafkaError):
        make_admin(settings, "test", bootstrap_timeout_ms=3000, request_timeout_ms=3000).close()


def service_uri(stack: Stack, service: str) -> str:
    """What the service's processes are given, from the supervisor's configuration."""
    [uri] = {
        part.removeprefix('MONGODB_URI="').rstrip('"').replace("%%", "%")
        for line in (stack.directory / "supervisord.conf").read_text().splitlines()
        if f'MONGODB_DATABASE="uso_{service}"' in line
        for part in line.split(",")
        if part.startswith('MONGODB_URI="')
    }
    return uri


@pytest.mark.parametrize("service", ["enrolment", "events", "notifications"])
def test_a_services_mongodb_user_has_its_own_database_alone(locked: Stack, service: str) -> None:
    others = {"enrolment", "events", "notifications"} - {service}
    with MongoClient(service_uri(locked, service)) as client:
        client[f"uso_{service}"]["leases"].find_one()
        for other in others:
            with pytest.raises(OperationFailure, match="not authorized"):
                client[f"uso_{other}"]["leases"].find_one()
            with pytest.raises(OperationFailure, match="not authorized"):
                client[f"uso_{other}"]["leases"].insert_one({})
        with pytest.raises(OperationFailure, match="not authorized"):
            client["admin"].command("createUser", "mallory", pwd="x", roles=["root"])


def without(uri: str, *names: str) -> str:
    """The URI without some of its options."""
    parts = urlsplit(uri)
    query = "&".join(f"{name}={value}" for name, value in parse_qsl(parts.query) if name not in names)
    return urlunsplit(parts._replace(query=query))


def test_mongodb_speaks_to_nobody_without_tls_or_the_right_authority(locked: Stack) -> None:
    uri = service_uri(locked, "events")
    for refused in (without(uri, "tls", "tlsCAFile"), without(uri, "tlsCAFile")):
        with MongoClient(refused, serverSelectionTimeoutMS=2000) as client, pytest.raises(ConnectionFailure):
            client["uso_events"]["leases"].find_one()


def test_secrets_of_the_locked_stack_are_for_their_owner(locked: Stack) -> None:
    files = [locked.directory / "tls" / "server.pem", *(locked.directory / "tls" / "passwords").iterdir()]
    assert len(files) == 13
    assert {file.stat().st_mode & 0o077 for file in files} == {0}
    assert not list(Path(locked.directory / "tls").glob("*key*")), "nobody keeps the authority's key"

"""What a running stack offers, and what it survives."""

import json
import os
import signal
import smtplib
import stat
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from kafka.admin import KafkaAdminClient
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from deploy.local import scaling
from deploy.local.errors import StackError
from deploy.local.stack import Stack
from deploy.local.supervision import processes_of
from tests.deploy.conftest import fake_command, wait_until

pytestmark = pytest.mark.long


def on_disk(stack: Stack) -> dict[str, Any]:
    return json.loads((stack.directory / "stack.json").read_text())


def environ(stack: Stack, name: str) -> dict[str, str]:
    processes = [process for service in stack.info["services"].values() for process in service["processes"]]
    found = next(process for process in processes if process["name"] == name)
    return requests.get(f"{found['admin_url']}/environ", timeout=5).json()


def test_stack_json_has_the_shape_of_the_contract(stack: Stack) -> None:
    info = on_disk(stack)
    assert info == stack.info
    assert set(info) == {"kafka", "mongodb", "mail", "services", "tokens"}
    assert [set(broker) for broker in info["kafka"]["brokers"]] == [{"id", "pid"}]
    assert [set(member) for member in info["mongodb"]["members"]] == [{"port", "pid"}]
    roles = {name: [process["role"] for process in service["processes"]] for name, service in info["services"].items()}
    assert roles == {
        "enrolment": ["api", "api", "worker", "relay"],
        "events": ["api", "worker", "worker", "relay"],
        "notifications": ["api", "worker", "relay"],
    }
    for service in info["services"].values():
        assert requests.get(f"{service['url']}/readyz", timeout=5).ok
        for process in service["processes"]:
            os.kill(process["pid"], 0)
            assert requests.get(f"{process['admin_url']}/healthz", timeout=5).ok


def test_the_tokens_are_good_for_the_public_key(stack: Stack) -> None:
    keys = jwt.PyJWKSet.from_json((stack.directory / "jwks.json").read_text())
    for role, token in stack.info["tokens"].items():
        key = keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=["ES256"], audience="uso-crm", issuer="https://login.uso.example")
        assert (claims["sub"], claims["roles"]) == (f"demo-{role}", [role])
    assert set(stack.info["tokens"]) == {"viewer", "coordinator", "manager", "operator"}


def test_secrets_are_for_their_owner_only(stack: Stack) -> None:
    for name in ("secrets.json", "mongodb.key", "signing-key.pem", "supervisord.conf", "stack.json"):
        assert stat.S_IMODE((stack.directory / name).stat().st_mode) == 0o600, name


def test_each_process_gets_an_environment_of_its_own(stack: Stack) -> None:
    first, second = environ(stack, "events-worker-1"), environ(stack, "events-worker-2")
    assert first["ADMIN_PORT"] != second["ADMIN_PORT"]
    assert first["PROCESS_NAME"] == "events-worker-1"
    assert first["MONGODB_DATABASE"] == "uso_events"
    assert first["MAIL_FROM"] == "USO <uso@network.example>"
    assert first["PUBLIC_URL_ENROLMENT"] == stack.info["services"]["enrolment"]["url"]
    assert "PROMETHEUS_MULTIPROC_DIR" not in first
    api, other = environ(stack, "enrolment-api-1"), environ(stack, "enrolment-api-2")
    assert api["HTTP_PORT"] == other["HTTP_PORT"]
    assert api["PROMETHEUS_MULTIPROC_DIR"] != other["PROMETHEUS_MULTIPROC_DIR"]
    assert list(Path(api["PROMETHEUS_MULTIPROC_DIR"]).iterdir()) == []


def test_a_service_reads_and_writes_its_own_database_only(stack: Stack) -> None:
    with MongoClient(environ(stack, "events-api-1")["MONGODB_URI"]) as client:
        client["uso_events"]["things"].insert_one({})
        with pytest.raises(OperationFailure, match="not authorized"):
            client["uso_enrolment"]["things"].find_one()


def test_nobody_reads_without_a_password(stack: Stack) -> None:
    port = stack.info["mongodb"]["members"][0]["port"]
    with (
        MongoClient("127.0.0.1", port, directConnection=True) as client,
        pytest.raises(OperationFailure, match="requires authentication"),
    ):
        client["uso_events"]["things"].find_one()


def test_mails_appear_whole_and_in_their_order(stack: Stack) -> None:
    host, _, port = stack.info["mail"]["smtp"].partition(":")
    body = "Tervetuloa Hämeenlinnaan!\n.\nA line that is only a dot came before.\n" * 200
    with smtplib.SMTP(host, int(port)) as client:
        for number in range(100):
            message = EmailMessage()
            message["From"], message["To"] = "uso@network.example", "aino@example.org"
            message["Subject"] = str(number)
            message.set_content(body)
            client.send_message(message)
    files = sorted(Path(stack.info["mail"]["directory"]).iterdir())
    assert {file.suffix for file in files} == {".eml"}
    mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    assert [mail["Subject"] for mail in mails] == [str(number) for number in range(100)]
    assert {mail.get_content().replace("\r\n", "\n") for mail in mails} == {body}


def test_a_killed_broker_comes_back_under_its_address(stack: Stack) -> None:
    before = stack.info["kafka"]
    os.kill(before["brokers"][0]["pid"], signal.SIGKILL)
    wait_until(lambda: on_disk(stack)["kafka"]["brokers"][0]["pid"] != before["brokers"][0]["pid"])
    assert on_disk(stack)["kafka"]["bootstrap_servers"] == before["bootstrap_servers"]
    admin = KafkaAdminClient(bootstrap_servers=before["bootstrap_servers"], bootstrap_timeout_ms=30_000)
    assert len(admin.describe_cluster()["brokers"]) == 1
    admin.close()


def test_a_killed_mongodb_comes_back_under_its_address_with_its_data(stack: Stack) -> None:
    before = stack.info["mongodb"]
    with MongoClient(before["uri"]) as client:
        client["kept"]["things"].insert_one({"_id": 1})
        os.kill(before["members"][0]["pid"], signal.SIGKILL)
        wait_until(lambda: on_disk(stack)["mongodb"]["members"][0]["pid"] != before["members"][0]["pid"])
        assert on_disk(stack)["mongodb"]["uri"] == before["uri"]
        assert client["kept"]["things"].find_one() == {"_id": 1}


def test_a_killed_service_process_is_replaced(stack: Stack) -> None:
    before = stack.info["services"]["events"]["processes"][0]
    os.kill(before["pid"], signal.SIGKILL)
    after = wait_until(
        lambda: (now := on_disk(stack)["services"]["events"]["processes"][0])["pid"] != before["pid"] and now
    )
    assert after == before | {"pid": after["pid"]}


def test_a_second_start_in_the_same_directory_is_refused_and_harms_nothing(stack: Stack) -> None:
    with (
        pytest.raises(StackError, match=r"runs in .* already: stop it, or give another"),
        Stack(stack.directory, service_command=fake_command),
    ):
        pass
    assert on_disk(stack) == stack.info


def workers(stack: Stack) -> dict[str, int]:
    return {
        process["name"]: process["pid"]
        for process in on_disk(stack)["services"]["events"]["processes"]
        if process["role"] == "worker"
    }


def is_up(stack: Stack, name: str) -> bool:
    try:
        return bool(environ(stack, name)["PROCESS_NAME"] == name)
    except requests.ConnectionError:
        return False


def test_processes_are_added_and_taken_away_while_it_runs(stack: Stack) -> None:
    before = workers(stack)
    assert scaling.ask(stack.directory, {"events.worker": 4}) == {"events.worker": 4}
    after = wait_until(lambda: all((now := workers(stack)).values()) and len(now) == 4 and now)
    assert after | before == after, "those that ran go on"
    wait_until(lambda: is_up(stack, "events-worker-4"))

    scaling.ask(stack.directory, {"events.worker": 1})
    wait_until(lambda: list(workers(stack)) == ["events-worker-1"])
    left = {process.pid for process in processes_of(stack.directory)}
    assert left & set(after.values()) == {before["events-worker-1"]}

    scaling.ask(stack.directory, {"events.worker": 2})
    again = wait_until(lambda: all((now := workers(stack)).values()) and len(now) == 2 and now)
    assert again["events-worker-2"] not in after.values()


@pytest.mark.parametrize("asked", [{"events.workers": 2}, {"event.worker": 2}, {"events.worker": -1}])
def test_a_scale_that_cannot_be_is_refused_at_once(stack: Stack, asked: dict[str, int]) -> None:
    with pytest.raises(StackError, match="name a service and a process"):
        scaling.ask(stack.directory, asked)


def test_only_a_stack_that_runs_can_be_scaled(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="No stack runs in"):
        scaling.ask(tmp_path, {"events.worker": 2})

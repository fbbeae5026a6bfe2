"""The `uso up` command: how it ends, and that it leaves nothing behind."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from pymongo import MongoClient

from deploy.local.errors import StackError
from deploy.local.stack import Stack
from deploy.local.supervision import processes_of
from tests.deploy.conftest import Uso, wait_until

pytestmark = pytest.mark.long


def assert_gone(family: list[psutil.Process], uso: Uso, seconds: float = 30) -> None:
    _, alive = psutil.wait_procs(family, timeout=seconds)
    assert alive == []
    assert list(processes_of(uso.directory)) == []


def test_sigterm_ends_all_of_it_though_one_process_is_suspended(uso: Callable[..., Uso]) -> None:
    stack = uso("--scale", "events.worker=2")
    info, family = stack.info(), stack.family()
    assert len(info["services"]["events"]["processes"]) == 4
    os.kill(info["mongodb"]["members"][0]["pid"], signal.SIGSTOP)
    os.kill(info["services"]["events"]["processes"][0]["pid"], signal.SIGSTOP)
    assert stack.end(signal.SIGTERM) == 0
    assert_gone(family, stack, 0)
    assert not stack.file.exists()


def test_kill_9_leaves_nothing_and_the_next_start_goes_on_with_the_data(uso: Callable[..., Uso]) -> None:
    first = uso()
    before, family = first.info(), first.family()
    with MongoClient(before["mongodb"]["uri"]) as client:
        client["kept"]["things"].insert_one({"_id": 1})
    first.end(signal.SIGKILL)
    assert_gone(family, first)

    second = uso()
    wait_until(lambda: second.info()["kafka"]["brokers"][0]["pid"] != before["kafka"]["brokers"][0]["pid"])
    after = second.info()
    for part, address in (("kafka", "bootstrap_servers"), ("mongodb", "uri"), ("mail", "smtp")):
        assert after[part][address] == before[part][address]
    assert {name: service["url"] for name, service in after["services"].items()} == {
        name: service["url"] for name, service in before["services"].items()
    }
    with MongoClient(after["mongodb"]["uri"]) as client:
        assert client["kept"]["things"].find_one() == {"_id": 1}


def test_an_interrupted_start_leaves_nothing(uso: Callable[..., Uso]) -> None:
    stack = uso()
    wait_until(lambda: (stack.directory / "logs" / "mongodb-1.log").exists())
    family = stack.family()
    assert stack.end(signal.SIGINT) == 0
    assert_gone(family, stack, 0)
    assert not stack.file.exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9"),
        ("MONGODB_URI", "mongodb://127.0.0.1:9/?replicaSet=x"),
        ("SMTP_URL", "smtp://127.0.0.1:9"),
    ],
)
def test_a_named_server_that_does_not_answer_is_said_in_a_sentence(
    uso: Callable[..., Uso], variable: str, value: str
) -> None:
    stack = uso(**{variable: value})
    assert stack.process.wait(60) == 1
    said = stack.output.read_text()
    assert f"Error: {variable}: no " in said
    assert "Traceback" not in said
    assert list(processes_of(stack.directory)) == []


def test_three_of_each_go_on_without_one(tmp_path: Path) -> None:
    with Stack(tmp_path, brokers=3, mongo_members=3, services=()) as stack:
        info = stack.info
        assert [broker["id"] for broker in info["kafka"]["brokers"]] == [1, 2, 3]
        assert info["kafka"]["bootstrap_servers"].count(",") == 2
        with MongoClient(info["mongodb"]["uri"], w="majority") as client:
            port = wait_until(lambda: client.primary)[1]
            primary = next(member for member in info["mongodb"]["members"] if member["port"] == port)
            os.kill(primary["pid"], signal.SIGKILL)
            client["kept"]["things"].insert_one({"_id": 1})
            assert client["kept"]["things"].find_one() == {"_id": 1}


def test_data_of_three_brokers_is_not_started_with_one(tmp_path: Path) -> None:
    (tmp_path / "size.json").write_text('{"brokers": 3, "mongo_members": 1}')
    refused = pytest.raises(StackError, match="is of 3 Kafka brokers and 1 MongoDB members, without --secure")
    with refused, Stack(tmp_path, services=()):
        pass

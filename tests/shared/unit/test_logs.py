"""Logs tell what went wrong, and nobody's name."""

import json
import logging
from collections.abc import Iterator

import pytest
from pymongo.errors import BulkWriteError

from shared.messaging.messages import Undecodable
from shared.telemetry.logs import configure_logs, get_logger


@pytest.fixture(autouse=True)
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers, root.level
    configure_logs(service="enrolment", process="enrolment-test", level="INFO")
    yield
    root.handlers, root.level = before


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    line: dict[str, str] = json.loads(capsys.readouterr().err.splitlines()[-1])
    return line


def fail(error: Exception) -> None:
    try:
        raise error
    except Exception as caught:
        raise RuntimeError("anna.virtanen@kangasala.example") from caught


def test_an_error_that_quotes_a_document_is_told_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        fail(BulkWriteError({"writeErrors": [{"op": {"email": "anna.virtanen@kangasala.example"}}]}))
    except RuntimeError:
        get_logger("test").exception("task failed")
    line = last_line(capsys)
    assert "anna" not in json.dumps(line)
    assert "pymongo.errors.BulkWriteError" in line["exception"]
    assert "builtins.RuntimeError" in line["exception"]
    assert "in fail" in line["exception"]


def test_our_own_errors_keep_their_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise Undecodable("Not a CloudEvents document.")
    except Undecodable:
        get_logger("test").exception("message not handled")
    assert "Undecodable: Not a CloudEvents document." in last_line(capsys)["exception"]

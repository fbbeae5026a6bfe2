"""Logs tell what went wrong, and nobody's name."""

import json
import logging
from collections.abc import Iterator

import pytest
from pymongo.errors import BulkWriteError

from shared.messaging.messages import Undecodable
from shared.telemetry.logs import configure_logs, get_logger

PERSON = "anna.virtanen@kangasala.example"


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers, root.level
    yield
    root.handlers, root.level = before


def logged(capsys: pytest.CaptureFixture[str], event: str) -> dict[str, str]:
    """The line that a process logs for the error being handled."""
    configure_logs(service="enrolment", process="enrolment-test", level="INFO")
    get_logger(__name__).exception(event)
    line: dict[str, str] = json.loads(capsys.readouterr().err.splitlines()[-1])
    return line


def fail(error: Exception) -> None:
    try:
        raise error
    except Exception as caught:
        raise RuntimeError(PERSON) from caught


def test_an_error_that_quotes_a_document_is_told_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        fail(BulkWriteError({"writeErrors": [{"op": {"email": PERSON}}]}))
    except RuntimeError:
        line = logged(capsys, "task failed")
    assert PERSON not in json.dumps(line)
    assert "pymongo.errors.BulkWriteError" in line["exception"]
    assert "builtins.RuntimeError" in line["exception"]
    assert "in fail" in line["exception"]


def test_our_own_errors_keep_their_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise Undecodable("Not a CloudEvents document.")
    except Undecodable:
        line = logged(capsys, "message not handled")
    assert "Undecodable: Not a CloudEvents document." in line["exception"]

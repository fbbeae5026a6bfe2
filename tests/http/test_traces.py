"""X-Request-ID and traceparent: taken over or made, and found again in answers, histories and messages."""

import json
from typing import Any

import pytest

from shared.ids import is_id, new_id
from shared.mongo.journal import JOURNAL
from tests.http.conftest import Api

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def told(api: Api, made: Any) -> dict[str, Any]:
    """The message of a change, or None where the aggregate tells nobody."""
    row = api.db[JOURNAL].find_one({"of": made["id"]}, sort=[("_id", -1)])
    assert row is not None
    return {"history": row, "message": json.loads(row["value"]) if row.get("topic") else None}


def test_a_request_id_is_taken_over_into_answer_history_and_message(api: Api) -> None:
    given = f"request {new_id()}"
    made = api.make(headers={"X-Request-ID": given, "traceparent": TRACEPARENT})
    assert made.headers["X-Request-ID"] == given
    found = told(api, made.json)
    assert (found["history"]["correlation_id"], found["history"]["by"]) == (given, "test-coordinator")
    if found["message"]:
        assert found["message"]["correlationid"] == given
        assert found["message"]["traceparent"].split("-")[1] == TRACE
        assert found["message"]["traceparent"] != TRACEPARENT, "the work done here is a span of its own"


@pytest.mark.parametrize("given", [None, "", "x" * 129, "\x80"])
def test_without_a_good_one_an_id_is_made(api: Api, given: str | None) -> None:
    made = api.make(headers={} if given is None else {"X-Request-ID": given})
    assert is_id(made.headers["X-Request-ID"])
    assert told(api, made.json)["history"]["correlation_id"] == made.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "given", [None, "", "garbage", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"ff-{TRACE}-00f067aa0ba902b7-01"]
)
def test_without_a_good_traceparent_a_trace_begins(api: Api, given: str | None) -> None:
    made = api.make(headers={} if given is None else {"traceparent": given})
    message = told(api, made.json)["message"]
    if message:
        version, trace, span, _flags = message["traceparent"].split("-")
        assert (version, len(trace), len(span)) == ("00", 32, 16)
        assert trace not in (TRACE, "0" * 32)


def test_an_error_has_the_request_id_too(api: Api) -> None:
    answer = api.client.get("/v1/nothing", headers={"X-Request-ID": "mine"})
    assert (answer.headers["X-Request-ID"], answer.json["request_id"]) == ("mine", "mine")

"""Spans arrive at a collector, with the ids that messages carry and nothing of their content."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from shared.cause import Cause
from shared.ids import new_id
from shared.messaging.subscriptions import Projection
from shared.settings import Settings
from shared.telemetry.spans import SPANS
from tests.ops.things import Mood, things
from tests.otlp_receiver import Receiver, receiver
from tests.support import wait_for

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """The process exports to it for the length of a test."""
    monkeypatch.setattr(SPANS, "_processor", None)
    with receiver() as found:
        SPANS.export(found.address, service="tested", process="tested-1")
        yield found


def flush() -> None:
    assert SPANS._processor is not None
    SPANS._processor.force_flush()


def test_a_call_is_a_span_of_its_callers_trace_without_what_its_url_says(
    collector: Receiver, db_for: Any, settings_for: Callable[..., Settings], client_for: Any
) -> None:
    service = things(f"s{new_id()[-8:]}", Mood())
    db, settings = db_for(service.name), settings_for(service.name)
    service.prepare(db)
    client = client_for(service.app(settings, db))
    answer = client.get("/v1/ops/audit?limit=7", role="operator", headers={"traceparent": TRACEPARENT})
    assert answer.status_code == 200
    flush()
    [span] = collector.spans
    assert (span.service, span.name, span.trace, span.parent) == ("uso-tested", "GET /v1/ops/audit", TRACE, CALLER)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/v1/ops/audit",
        "http.response.status_code": 200,
    }
    assert span.began < span.ended


def test_a_message_is_seen_on_its_way_and_where_it_is_handled(
    collector: Receiver, service: SimpleNamespace, relaying: Any, consuming: Any
) -> None:
    cause = Cause(actor="test", correlation_id=new_id(), traceparent=TRACEPARENT)
    identifier = new_id()
    service.db.transact(
        lambda uow: uow.insert(service.things, {"_id": identifier, "count": 1}, "thing.created"), cause=cause
    )
    with relaying(service), consuming(service, {service.topic: [Projection(collection="copies")]}):
        wait_for(lambda: service.db["copies"].find_one({"_id": identifier}), seconds=60)
        wait_for(lambda: flush() or len(collector.spans) == 2, what="both spans")
    published, processed = collector.named(f"publish {service.topic}") + collector.named(f"process {service.topic}")
    assert {(span.trace, span.parent) for span in (published, processed)} == {(TRACE, CALLER)}
    assert published.attributes["messaging.message.id"] == processed.attributes["messaging.message.id"]
    assert published.id != processed.id
    assert published.began < processed.ended


def test_a_collector_that_is_away_holds_up_nothing(
    monkeypatch: pytest.MonkeyPatch, db_for: Any, settings_for: Callable[..., Settings], client_for: Any
) -> None:
    monkeypatch.setattr(SPANS, "_processor", None)
    SPANS.export("http://127.0.0.1:9", service="tested", process="tested-1")
    service = things(f"s{new_id()[-8:]}", Mood())
    db, settings = db_for(service.name), settings_for(service.name)
    service.prepare(db)
    client = client_for(service.app(settings, db))
    assert client.get("/v1/ops/audit", role="operator").status_code == 200


def test_nothing_is_recorded_where_no_collector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SPANS, "_processor", None)
    SPANS.export("", service="tested", process="tested-1")
    assert not SPANS.are_wanted

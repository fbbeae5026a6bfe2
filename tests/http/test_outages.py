"""MongoDB away: 503 and when to come back. Kafka away: nothing that a caller notices."""

from collections.abc import Callable

import pytest
from pymongo import MongoClient

from shared.mongo import database
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL
from tests.http.conftest import Api
from tests.support import Client

pytestmark = pytest.mark.long


@pytest.fixture
def without_mongodb(api: Api, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The service where nobody listens at MongoDB's address; it does not wait as long as usual."""
    monkeypatch.setattr(database, "TRANSACTION_LIMIT_SECONDS", 0.3)
    away: MongoClient[dict[str, object]] = MongoClient("mongodb://127.0.0.1:9", serverSelectionTimeoutMS=100)
    return Client(api.service.app(api.settings, Database(away, "away")), api.client.keys)


def test_without_mongodb_reads_and_writes_are_503_for_a_while(api: Api, without_mongodb: Client) -> None:
    calls: list[Callable[[], object]] = [
        lambda: without_mongodb.get(api.example.collection),
        lambda: without_mongodb.post(api.example.collection, json=api.example.body()),
        lambda: without_mongodb.post(api.example.collection, json=api.example.body(), headers={"Idempotency-Key": "k"}),
        lambda: without_mongodb.call(
            api.example.change, api.example.path.format(id="x"), json=api.example.changed(), headers={"If-Match": "*"}
        ),
    ]
    for call in calls:
        answer = call()
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")  # type: ignore[attr-defined]
        assert int(answer.headers["Retry-After"]) > 0  # type: ignore[attr-defined]
        assert "127.0.0.1" not in answer.text  # type: ignore[attr-defined]


def test_without_mongodb_it_lives_and_says_what_it_is_waiting_for(without_mongodb: Client) -> None:
    assert without_mongodb.get("/healthz", role=None).status_code == 200
    answer = without_mongodb.get("/readyz", role=None)
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert "mongodb" in answer.json["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    assert without_mongodb.get("/openapi.json", role=None).status_code == 200


def test_without_mongodb_wrong_requests_are_wrong_all_the_same(api: Api, without_mongodb: Client) -> None:
    assert without_mongodb.post(api.example.collection, json=api.example.wrong).status_code == 422
    assert without_mongodb.get(api.example.collection, role=None).status_code == 401


def test_without_kafka_writes_succeed_and_wait_in_the_outbox(api: Api) -> None:
    assert api.settings.kafka_bootstrap_servers == ["127.0.0.1:9"], "nobody listens there"
    before = api.db[JOURNAL].count_documents({"topic": {"$type": "string"}})
    assert [api.make().status_code for _ in range(3)] == [201] * 3
    tells = any(aggregate.topic for aggregate in api.service.aggregates) and api.service.name != "notifications"
    assert api.db[JOURNAL].count_documents({"topic": {"$type": "string"}}) == before + (3 if tells else 0)

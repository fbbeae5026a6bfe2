"""Every example is read by every subscriber of its topic: as it stands, grown, and as bare as its schema allows."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from contracts import SERVICES
from shared.messaging.messages import TOMBSTONE_SEQUENCE, Message, decode, owner_of
from shared.messaging.subscriptions import OnceHandler, Projection
from shared.mongo.database import SEEN, Database
from shared.service import Service
from tests.contracts.promised import examples, promised, topic_of
from tests.support import feed

Json = dict[str, Any]
TOMORROW = {"a_field_of_tomorrow": {"deep": [1, None, {"deeper": "ä"}]}}
OPTIONAL = ("causationid", "traceparent")


def as_it_stands(document: Json, schema: Json) -> Json:
    return document


def grown(document: Any, schema: Json) -> Any:
    """Members that nobody knows yet, at every depth."""
    if isinstance(document, dict):
        return {name: grown(value, {}) for name, value in document.items()} | TOMORROW
    return [grown(item, {}) for item in document] if isinstance(document, list) else document


def without_what_is_optional(document: Any, schema: Json) -> Any:
    """No member that its schema does not require."""
    if isinstance(document, dict) and "properties" in schema:
        return {
            name: without_what_is_optional(document[name], shape)
            for name, shape in schema["properties"].items()
            if name in schema.get("required", ())
        }
    if isinstance(document, list):
        return [without_what_is_optional(item, schema.get("items", {})) for item in document]
    return document


def with_every_null(document: Any, schema: Json) -> Any:
    """Null wherever its schema lets it stand."""
    if "null" in schema.get("type", ()):
        return None
    if isinstance(document, dict) and "properties" in schema:
        return {name: with_every_null(value, schema["properties"][name]) for name, value in document.items()}
    if isinstance(document, list):
        return [with_every_null(item, schema.get("items", {})) for item in document]
    return document


def read(name: str, document: Json, topic: str | None = None) -> Message:
    """The document as the consumer decodes it from its topic, or from that of another service that says it too."""
    where = topic or topic_of(name)
    value = json.dumps({**document, "source": owner_of(where)}, ensure_ascii=False).encode()
    return decode(value, key=document["subject"].encode(), topic=where)


@pytest.mark.parametrize("variant", [as_it_stands, grown, without_what_is_optional, with_every_null])
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_subscriber_reads_every_example_of_its_topics(
    service: Service, variant: Callable[[Json, Json], Json], db_for: Callable[[str], Database]
) -> None:
    db, schemas = db_for(service.name), promised().schemas
    service.prepare(db)
    messages = [
        read(name, variant(document, schemas[name]), topic)
        for name, document in examples().items()
        for topic in promised().topics_of(name)
        if topic in service.subscriptions
    ]
    assert {message.topic for message in messages} == set(service.subscriptions)
    for message in messages:
        feed(db, service.subscriptions, [message])
        for handler in service.subscriptions[message.topic]:
            assert took(db, handler, message), (handler.name, message.type)


def took(db: Database, handler: Any, message: Message) -> bool:
    """Whether a copy is at the message's version; whether a policy that it is for has marked it as seen."""
    if isinstance(handler, Projection):
        copy = db[handler.collection].find_one({"_id": message.key})
        return copy is not None and copy["sequence"] >= message.sequence
    if not isinstance(handler, OnceHandler):  # what webhooks are called with: no webhook is there
        return True
    return message.type not in handler.types or db[SEEN].find_one({"_id": f"{handler.name}:{message.id}"}) is not None


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_the_examples_may_come_again_late_and_in_any_order(service: Service, db_for: Callable[[str], Database]) -> None:
    db = db_for(service.name)
    service.prepare(db)
    messages = [
        read(name, document) for name, document in examples().items() if topic_of(name) in service.subscriptions
    ]
    feed(db, service.subscriptions, messages)
    before = projections(db, service.projections)
    feed(db, service.subscriptions, reversed(messages))
    for message in messages:
        feed(db, service.subscriptions, [message])
    assert projections(db, service.projections) == before


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_tombstone_on_any_topic_is_understood(service: Service, db_for: Callable[[str], Database]) -> None:
    db = db_for(service.name)
    service.prepare(db)
    for name, document in examples().items():
        if topic_of(name) in service.subscriptions:
            feed(db, service.subscriptions, [read(name, document)])
            gone = decode(None, key=document["subject"].encode(), topic=topic_of(name))
            feed(db, service.subscriptions, [gone, read(name, document)])
    for rows in projections(db, service.projections).values():
        assert rows
        assert all(row == {"_id": row["_id"], "erased": True, "sequence": TOMBSTONE_SEQUENCE} for row in rows)


def projections(db: Database, of: Mapping[str, Projection]) -> dict[str, list[Json]]:
    return {copy.collection: list(db[copy.collection].find().sort("_id", 1)) for copy in of.values()}

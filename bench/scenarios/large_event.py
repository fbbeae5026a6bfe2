"""Twenty thousand people are told that their event is changed, called off or over; others' mail goes on meanwhile."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from kafka import KafkaProducer

from bench.bench_stack import BenchStack
from bench.messages import CAUSE
from bench.rows import Row, percentile
from bench.scenarios.mail import CONTACTS, EVENTS, REGISTRATIONS, contact_state, event_state, registration_state
from bench.sink import Sink
from services.notifications.app import SERVICE
from shared.cloudevents import encode
from shared.ids import new_id, utc_now
from shared.instants import instant_text
from shared.messaging.topics import Topic
from shared.mongo.database import Database
from tests.support import wait_for
from tests.support.messages import message

# Somebody registers for another event so often while the large one is told.
PAUSE_SECONDS = 0.5
# Ten minutes of them: whoever is slower than that has failed.
OTHERS = 1200
STEPS = {
    "changed": ("event.updated", {"state": "published"}, {"changed": {"venue": {"from": None, "to": "Sali"}}}),
    "called off": ("event.transitioned", {"state": "cancelled"}, {"from": "published", "to": "cancelled"}),
    "over": ("event.transitioned", {"state": "completed"}, {"from": "published", "to": "completed"}),
}


def measure(bench: BenchStack) -> Iterator[Row]:
    """Each step once; checked: everyone of the event is told of it once, and everyone else has their mail."""
    count = bench.many(20_000, 400)
    bench.topics([Topic(name=topic) for topic in SERVICE.subscriptions])
    for step in STEPS:
        took, others = _change_event(bench, step, count)
        what = f"{count:,} told that their event is {step}"
        yield Row(path="large_event", what=what, unit="recipients/s", ours=[count / took])
        yield Row(
            path="large_event", what="… others' mail meanwhile: p50", unit="ms", ours=[1000 * percentile(others, 0.5)]
        )
        yield Row(
            path="large_event",
            what="… others' mail meanwhile: p99",
            unit="ms",
            ours=[1000 * percentile(others, 0.99)],
            below=1000,
        )


def _change_event(bench: BenchStack, step: str, count: int) -> tuple[float, list[float]]:
    """Seconds until everyone has their mail, and the seconds that others' confirmations took meanwhile."""
    name = bench.name("large")
    large, small = event_state(), event_state()
    people, others = ([contact_state(new_id()) for _ in range(number)] for number in (count, OTHERS))
    with bench.database(name) as db, Sink(bench.free_port()) as sink:
        SERVICE.prepare(db)
        project(db, EVENTS, [large, small])
        project(db, CONTACTS, people + others)
        project(db, REGISTRATIONS, [registration_state(large, person) for person in people])
        given = {"SMTP_URL": sink.url, "GATHER_CHANGES_SECONDS": "0"}
        with (
            bench.service("notifications", "worker", database=name, **given),
            closing(KafkaProducer(bootstrap_servers=bench.bootstrap_servers, linger_ms=0)) as producer,
        ):
            type, changes, change = STEPS[step]
            began = time.perf_counter()
            _say(producer, EVENTS, type, {**large, **changes, "version": 3}, change)
            asked = _register_others(producer, small, others, sink, enough=count)
            wait_for(lambda: len(sink.mails) >= count + len(asked), seconds=60, what="the last of the mails")
    arrived = {recipient: at for at, _, recipient, _ in sink.mails}
    assert len(sink.mails) == len(arrived) == count + len(asked), "somebody was told twice"
    told = max(arrived[person["email"]] for person in people) - began
    return told, [arrived[address] - at for address, at in asked.items()]


def _register_others(
    producer: KafkaProducer, event: dict[str, Any], others: Sequence[dict[str, Any]], sink: Sink, *, enough: int
) -> dict[str, float]:
    """Registers one after another until everyone of the large event has their mail: address → when."""
    asked: dict[str, float] = {}
    for person in others:
        asked[person["email"]] = time.perf_counter()
        _say(producer, REGISTRATIONS, "registration.created", registration_state(event, person), {})
        time.sleep(PAUSE_SECONDS)
        if len(sink.mails) >= enough + len(asked) - 1:
            break
    return asked


def _say(producer: KafkaProducer, topic: str, type: str, state: dict[str, Any], change: dict[str, Any]) -> None:
    value = encode(
        message_id=new_id(),
        source="/uso/events",
        type=type,
        subject=state["id"],
        time=instant_text(utc_now()),
        sequence=state["version"],
        state=state,
        change=change,
        cause=CAUSE,
    )
    producer.send(topic, key=state["id"].encode(), value=value)


def project(db: Database, topic: str, states: Sequence[dict[str, Any]]) -> None:
    """Puts the states where the service keeps what it has heard of them."""
    projection = SERVICE.projections[topic]
    documents = [projection.document(message(topic, "made.earlier", state)) for state in states]
    for start in range(0, len(documents), 1000):
        db[projection.collection].insert_many(documents[start : start + 1000])

"""Kafka to effects: our consumer beside the same work by hand, in FastStream, and message by message."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from pymongo import InsertOne

from bench.baselines import faststream
from bench.baselines.consumer import COLLECTIONS, EFFECTS, Batch, Pace, in_one_transaction, paced, read
from bench.bench_stack import PARTITIONS, BenchStack
from bench.messages import records
from bench.rows import Figures, Row, Side, interleaved, of
from shared.messaging.consumer import MAX_BATCH, Consumer
from shared.messaging.messages import Message
from shared.messaging.subscriptions import Handler, Policy, Projection
from shared.messaging.topics import state_topic
from shared.mongo.database import Database
from shared.mongo.unit_of_work import UnitOfWork

COPY = Projection(collection="copies")


def _effect(uow: UnitOfWork, message: Message) -> None:
    uow.write(EFFECTS, InsertOne({"message": message.id, "thing": message.key, "sequence": message.sequence}))


POLICY = Policy(name="effect", types=frozenset({"thing.updated"}), handle=_effect)
KINDS: dict[str, list[Handler]] = {"copy": [COPY], "policy": [POLICY], "copy and policy": [COPY, POLICY]}
LOOK_SECONDS = 0.002


def measure(bench: BenchStack) -> Iterator[Row]:
    """A topic of 13,000 things' states, read from the start by each side in turn."""
    count = bench.many(40_000, 10_000)
    topic = bench.name("bench.things.")
    bench.topics([state_topic(topic)])
    bench.produce(topic, records(count, keys=count // 3))
    sides: dict[str, Side] = {"reading": partial(_reading, bench, topic, count)}
    for kind in KINDS:
        sides[f"bare {kind}"] = partial(by_hand, bench, topic, count, kind)
        sides[f"our {kind}"] = partial(_ours, bench, topic, count, kind)
    sides["FastStream"] = partial(_faststream, bench, topic, count)
    sides["one by one"] = partial(by_hand, bench, topic, count // 40, "policy", at_most=1)
    found = {name: of(rounds, "rate") for name, rounds in interleaved(sides, rounds=bench.rounds).items()}

    def row(kind: str, against: str, baseline: str, at_least: float | None = None) -> Row:
        what = {"copy": "copies", "policy": "seen ids + effects", "copy and policy": "copies, seen ids + effects"}[kind]
        return Row(
            path="consumer",
            what=what,
            unit="messages/s",
            ours=found[f"our {kind}"],
            against=against,
            baseline=found[baseline],
            at_least=at_least,
        )

    for kind in KINDS:
        yield row(kind, "kafka-python + pymongo, same work in batches by hand", f"bare {kind}", 0.5)
    yield row("policy", "FastStream, same work in batches", "FastStream", 1.0)
    yield row("policy", "a transaction a message", "one by one", 25.0)
    yield row("policy", "kafka-python only reading", "reading")


def _reading(bench: BenchStack, topic: str, count: int) -> Figures:
    return {"rate": paced(read(bench.bootstrap_servers, topic, at_most=MAX_BATCH, count=count), lambda _: None)}


def by_hand(bench: BenchStack, topic: str, count: int, kind: str, at_most: int = MAX_BATCH) -> Figures:
    """The same work with nothing around it, in batches of `at_most`."""
    with bench.database(bench.name("bare")) as db:
        _make(db)

        def each(batch: Batch) -> None:
            in_one_transaction(db, batch, effect="policy" in kind, copy="copy" in kind)

        return {"rate": paced(read(bench.bootstrap_servers, topic, at_most=at_most, count=count), each)}


def _faststream(bench: BenchStack, topic: str, count: int) -> Figures:
    with bench.database(bench.name("stream")) as db:
        _make(db)
        rate = faststream.batches(
            servers=bench.bootstrap_servers,
            uri=bench.mongodb_uri,
            database=db.raw.name,
            topic=topic,
            partitions=PARTITIONS,
            count=count,
            at_most=MAX_BATCH,
        )
        return {"rate": rate}


def _ours(bench: BenchStack, topic: str, count: int, kind: str) -> Figures:
    pace = Pace()
    with bench.database(bench.name("ours")) as db:
        db.prepare((), {EFFECTS: [], COPY.collection: []})
        with consuming(bench, db, {topic: KINDS[kind]}) as consumer:
            while pace.done < count:
                time.sleep(LOOK_SECONDS)
                handled = sum(list(consumer.offsets.values()))
                if handled > pace.done:
                    pace.count(handled - pace.done)
    return {"rate": pace.per_second}


@contextmanager
def consuming(bench: BenchStack, db: Database, subscriptions: dict[str, list[Handler]]) -> Iterator[Consumer]:
    """Our consumer in a thread, stopped afterwards."""
    stop = threading.Event()
    consumer = Consumer(db, bench.settings(db.raw.name), subscriptions, stop=stop)
    thread = threading.Thread(target=consumer.run, daemon=True)
    thread.start()
    try:
        yield consumer
    finally:
        stop.set()
        thread.join(20)


def _make(db: Database) -> None:
    for collection in COLLECTIONS:
        db.raw.create_collection(collection)

"""More workers for one service: the topic's partitions are shared among them."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import psutil

from bench.baselines.consumer import EFFECTS
from bench.bench_stack import PARTITIONS, BenchStack
from bench.messages import records
from bench.rows import Figures, Row, interleaved, of
from bench.scenarios.consumer import COPY
from shared.messaging.topics import Topic, state_topic
from shared.mongo.database import Database
from tests.support import wait_for

WORKERS = (1, 2, 4)
JOINING_SECONDS = 5


def measure(bench: BenchStack) -> Iterator[Row]:
    """Copies, seen ids and effects by one, two and four worker processes."""
    data = records(bench.many(20_000, 5_000), keys=10_000)
    sides = {str(workers): partial(_run, bench, workers, data) for workers in WORKERS}
    found = {name: of(rounds, "rate") for name, rounds in interleaved(sides, rounds=bench.rounds).items()}
    for workers in WORKERS:
        alone = workers == 1
        yield Row(
            path="scaling",
            what=f"{workers} worker{'' if alone else 's'} on {PARTITIONS} partitions, {psutil.cpu_count()} cores",
            unit="messages/s",
            ours=found[str(workers)],
            against=None if alone else "one worker",
            baseline=() if alone else found["1"],
        )


def _run(bench: BenchStack, workers: int, data: list[tuple[bytes, bytes]]) -> Figures:
    """All messages appear at the same moment, when every worker has its partitions."""
    name = bench.name("scaled")
    topic = f"bench.{name}"
    bench.topics([state_topic(topic), Topic(name=f"uso.{name}.dead-letters.v1")])
    with bench.database(name) as db, ExitStack() as running:
        db.prepare((), {EFFECTS: [], COPY.collection: []})
        for number in range(workers):
            given = {"MONGODB_DATABASE": name, "PROCESS_NAME": f"{name}-{number}"}
            running.enter_context(bench.process(["bench.worker", name, topic], **given))
        time.sleep(JOINING_SECONDS)  # a worker that has joined says nothing, but it is soon done
        bench.produce(topic, data, transaction=True)
        wait_for(lambda: _done(db) > 0, seconds=60)
        since, before = time.perf_counter(), _done(db)
        wait_for(lambda: _done(db) >= len(data), seconds=120)
        return {"rate": (len(data) - before) / (time.perf_counter() - since)}


def _done(db: Database) -> int:
    """Effects of committed batches."""
    return db[EFFECTS].estimated_document_count()

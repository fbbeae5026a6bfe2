"""A copy read anew from its topic while the live consumer goes on, beside reading it once by hand."""

import threading
import time
from collections.abc import Iterator
from functools import partial

from bench.bench_stack import BenchStack
from bench.messages import records
from bench.rows import Figures, Row, interleaved, of
from bench.scenarios.consumer import COPY, by_hand, consuming
from ops.context import OpsContext
from ops.jobs import claim, enqueue
from ops.rebuild import rebuild
from ops.store import COLLECTIONS
from shared.cause import own_initiative
from shared.messaging.subscriptions import Handler
from shared.messaging.topics import state_topic
from tests.support import wait_for


def measure(bench: BenchStack) -> Iterator[Row]:
    """A topic of 20,000 things' states."""
    count = bench.many(60_000, 10_000)
    topic = bench.name("bench.rebuilt.")
    bench.topics([state_topic(topic)])
    bench.produce(topic, records(count, keys=count // 3))
    sides = {
        "rebuild": partial(_ours, bench, topic, count),
        "bare": partial(by_hand, bench, topic, count, "copy"),
    }
    found = {name: of(rounds, "rate") for name, rounds in interleaved(sides, rounds=bench.rounds).items()}
    what = "a copy, while the service goes on"
    yield Row(path="rebuild", what=what, unit="messages/s", ours=found["rebuild"], at_least=10_000)
    yield Row(
        path="rebuild",
        what=what,
        unit="messages/s",
        ours=found["rebuild"],
        against="kafka-python + pymongo, the copy made once by hand",
        baseline=found["bare"],
    )


def _ours(bench: BenchStack, topic: str, count: int) -> Figures:
    with bench.database(bench.name("rebuilt")) as db:
        db.prepare((), {COPY.collection: [], **COLLECTIONS})
        subscriptions: dict[str, list[Handler]] = {topic: [COPY]}
        with consuming(bench, db, subscriptions) as consumer:
            wait_for(lambda: sum(list(consumer.offsets.values())) == count, seconds=120, what="the copy to be there")
            db.transact(
                lambda uow: enqueue(uow, "rebuild", of=COPY.collection, reason=None), cause=own_initiative("bench")
            )
            job = claim(db, "bench", threading.Event())
            assert job is not None
            operated = OpsContext(settings=bench.settings(db.raw.name), db=db, topics=(), subscriptions=subscriptions)
            started = time.perf_counter()
            rebuild(job, operated)
            return {"rate": count / (time.perf_counter() - started)}

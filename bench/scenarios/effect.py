"""From an HTTP request to its effect in another service's database, beside the same chain by hand."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from bench import load
from bench.bench_stack import BenchStack
from bench.rows import Figures, Row, Side, interleaved, of, percentile
from bench.scenarios.http_writes import organisation
from services.events.projections import ORGANISATIONS
from shared.messaging.topics import Topic
from shared.mongo.database import Database, connect
from tests.support import wait_for

RATES = (20, 50)
BARE = "bare Flask transaction → change stream → producer → consumer → insert"


def measure(bench: BenchStack) -> Iterator[Row]:
    """A new organisation in enrolment until events has its copy; requests at a fixed rate."""
    with ExitStack() as running:
        sides = _our_chain(bench, running) | _bare_chain(bench, running)
        found = interleaved(sides, rounds=bench.rounds)
    for rate in RATES:
        ours, bare = found[f"ours {rate}"], found[f"bare {rate}"]
        for name, below in (("answer p50", None), ("effect p50", 2.0), ("effect p99", 3.0)):
            yield Row(
                path="effect",
                what=f"{name}, {rate} a second",
                unit="ms",
                ours=of(ours, name),
                against=BARE,
                baseline=of(bare, name),
                below=below,
            )


def _our_chain(bench: BenchStack, running: ExitStack) -> dict[str, Side]:
    api = running.enter_context(bench.service("enrolment", "api", database="uso_enrolment"))
    for service, role in (("enrolment", "relay"), ("events", "relay"), ("events", "worker")):
        running.enter_context(bench.service(service, role, database=f"uso_{service}"))
    arrived = running.enter_context(_watched(connect(bench.mongodb_uri, "uso_events"), ORGANISATIONS.collection))
    token = bench.token("coordinator")

    def ask(number: int) -> bytes:
        return load.post("/v1/organisations", organisation(number), token=token)

    return {f"ours {rate}": partial(_run, bench, rate, api.url, ask, "id", arrived) for rate in RATES}


def _bare_chain(bench: BenchStack, running: ExitStack) -> dict[str, Side]:
    topic, source, target = bench.name("bench.chain."), bench.name("chain"), bench.name("chain")
    bench.topics([Topic(name=topic)])
    first, last = connect(bench.mongodb_uri, source), connect(bench.mongodb_uri, target)
    first.prepare((), {"things": []})
    last.prepare((), {"copies": []})
    web = running.enter_context(
        bench.gunicorn(
            "bench.baselines.web:create_app()", workers=1, threads=16, MONGODB_DATABASE=source, BENCH_TOPIC=topic
        )
    )
    running.enter_context(bench.process(["bench.baselines", "relay"], MONGODB_DATABASE=source))
    running.enter_context(bench.process(["bench.baselines", "consumer"], MONGODB_DATABASE=target, BENCH_TOPIC=topic))
    arrived = running.enter_context(_watched(last, "copies"))

    def ask(number: int) -> bytes:
        return load.post("/things", organisation(number))

    return {f"bare {rate}": partial(_run, bench, rate, web.url, ask, "_id", arrived) for rate in RATES}


def _run(
    bench: BenchStack,
    rate: int,
    url: str,
    ask: Callable[[int], bytes],
    key: str,
    arrived: dict[str, float],
) -> Figures:
    wait_for(lambda: load.paced(url, [ask(0)], rate=1)[0].json[key] in _soon(arrived), what="the chain to run")
    answers = load.paced(url, [ask(number) for number in range(rate * bench.many(8, 3))], rate=rate)
    load.must_be(201, answers)
    wanted = {answer.json[key]: answer for answer in answers}
    wait_for(lambda: wanted.keys() <= arrived.keys(), seconds=30, what="all effects")
    answer_times = [answer.seconds * 1000 for answer in answers]
    times = [(arrived[identifier] - answer.sent) * 1000 for identifier, answer in wanted.items()]
    return {
        "answer p50": percentile(answer_times, 0.5),
        "effect p50": percentile(times, 0.5),
        "effect p99": percentile(times, 0.99),
    }


def _soon(arrived: dict[str, float]) -> dict[str, float]:
    time.sleep(0.5)
    return arrived


@contextmanager
def _watched(db: Database, collection: str) -> Iterator[dict[str, float]]:
    """When each document appeared, by its id; a change stream tells within a millisecond or two."""
    arrived: dict[str, float] = {}
    stop, watching = threading.Event(), threading.Event()

    def watch() -> None:
        with db[collection].watch([{"$project": {"documentKey": 1}}], max_await_time_ms=200) as stream:
            watching.set()
            while not stop.is_set():
                change = stream.try_next()
                if change is not None:
                    arrived.setdefault(str(change["documentKey"]["_id"]), time.perf_counter())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    watching.wait(20)
    try:
        yield arrived
    finally:
        stop.set()
        thread.join(5)

"""HTTP writes: `POST /v1/organisations` as it is deployed, beside bare Flask and pymongo under the same gunicorn."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from itertools import count

from bench import load
from bench.bench_stack import BenchStack, Running
from bench.rows import Figures, Row, Side, interleaved, of
from deploy.local.processes import ROLES, SERVICES
from shared.ids import new_id

WORKERS, THREADS, CONNECTIONS = 2, 8, 16
BARE = "bare Flask + pymongo, one transaction of two inserts"
KEPT = "the same with our third insert (history) and our indexes"
PROCESSOR = "processor time of api and MongoDB for a write"
SIZE = {"HTTP_WORKERS": str(WORKERS), "HTTP_THREADS": str(THREADS)}


def measure(bench: BenchStack) -> Iterator[Row]:
    """The api process alone, then with all nine processes of the three services at work behind it."""
    with ExitStack() as running:
        api = running.enter_context(bench.service("enrolment", "api", database="uso_enrolment", **SIZE))
        bare = running.enter_context(_bare(bench))
        sides: dict[str, Side] = {
            "hello": partial(_hello, bench, bare),
            "bare": partial(_bare_writes, bench, bare),
            "kept": partial(_bare_writes, bench, bare, path="/kept-things"),
            "api": partial(_our_writes, bench, api),
            "keyed": partial(_our_writes, bench, api, keyed=True),
        }
        found = interleaved(sides, rounds=bench.rounds)
        yield from _rows("api alone", found["api"], found["bare"], targets=True)
        yield from _rows("api alone", found["api"], found["kept"], against=KEPT)
        yield from _rows("api alone, Idempotency-Key", found["keyed"], found["bare"])
        yield Row(
            path="http", what="generator's limit: a bare hello", unit="requests/s", ours=of(found["hello"], "rate")
        )
        others = [
            running.enter_context(bench.service(service, role, database=f"uso_{service}"))
            for role in reversed(ROLES)
            for service in SERVICES
            if (service, role) != ("enrolment", "api")
        ]
        found = interleaved({"bare": sides["bare"], "api": sides["api"]}, rounds=bench.rounds)
        yield from _rows("whole system running", found["api"], found["bare"])
        for service in (api, *others):
            name = service.process.environ()["PROCESS_NAME"].rstrip("0123456789").rstrip("-")
            yield Row(path="memory", what=name, unit="MB", ours=[service.megabytes()])


def organisation(number: int) -> dict[str, object]:
    """A new organisation's body."""
    return {
        "kind": "other",
        "name": {"fi": f"Yhteisö {number}", "sv": f"Sammanslutning {number}"},
        "languages": ["fi", "sv"],
        "population": number,
    }


def _bare(bench: BenchStack) -> AbstractContextManager[Running]:
    return bench.gunicorn(
        "bench.baselines.web:create_app()", workers=WORKERS, threads=THREADS, MONGODB_DATABASE=bench.name("bare_web")
    )


def _our_writes(bench: BenchStack, api: Running, *, keyed: bool = False) -> Figures:
    token = bench.token("coordinator")
    requests = (
        load.post(
            "/v1/organisations",
            organisation(number),
            token=token,
            headers={"Idempotency-Key": new_id()} if keyed else {},
        )
        for number in count()
    )
    return _loaded(bench, api, requests, status=201)


def _bare_writes(bench: BenchStack, api: Running, *, path: str = "/things") -> Figures:
    return _loaded(bench, api, (load.post(path, organisation(number)) for number in count()), status=201)


def _hello(bench: BenchStack, api: Running) -> Figures:
    return _loaded(bench, api, (load.get("/hello") for _ in count()), status=200)


def _loaded(bench: BenchStack, api: Running, requests: Iterator[bytes], *, status: int) -> Figures:
    processes = [api, *bench.mongodb]
    before = sum(process.processor_seconds() for process in processes)
    answers = load.closed(api.url, requests, connections=CONNECTIONS, seconds=bench.many(6, 2))
    used = sum(process.processor_seconds() for process in processes) - before
    return {**load.latencies(load.must_be(status, answers)), "processor": 1000 * used / len(answers)}


def _rows(
    what: str, ours: list[Figures], bare: list[Figures], *, targets: bool = False, against: str = BARE
) -> Iterator[Row]:
    yield Row(
        path="http",
        what=f"POST /v1/organisations, {what}",
        unit="requests/s",
        ours=of(ours, "rate"),
        against=against,
        baseline=of(bare, "rate"),
        at_least=0.7 if targets else None,
    )
    for name in ("p50", "p95", "p99", "processor"):
        yield Row(
            path="http",
            what=f"… {what}: {PROCESSOR if name == 'processor' else name}",
            unit="ms",
            ours=of(ours, name),
            against=against,
            baseline=of(bare, name),
            below=2.0 if targets and name == "p99" else None,
        )

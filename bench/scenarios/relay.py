"""Outbox to Kafka: our relay beside a change stream that feeds a producer by hand, and beside producing alone."""

import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from prometheus_client import REGISTRY

from bench.baselines import relay as bare
from bench.baselines.consumer import Pace
from bench.bench_stack import BenchStack
from bench.messages import things
from bench.rows import Figures, Row, interleaved, of
from shared.cloudevents import HEADERS
from shared.ids import new_id, utc_now
from shared.messaging.relay import Relay
from shared.messaging.topics import service_topics, state_topic
from shared.mongo.database import Database
from shared.mongo.journal import JOURNAL
from tests.support import wait_for

LOOK_SECONDS = 0.002


def measure(bench: BenchStack) -> Iterator[Row]:
    """Rows that were written while no relay ran, carried as fast as they go."""
    count = bench.many(40_000, 8_000)
    topic = bench.name("bench.relayed.")
    bench.topics([state_topic(topic)])
    rows = outbox_rows(topic, count)
    sides = {
        "relay": partial(_ours, bench, rows),
        "transactional": partial(_bare, bench, rows, transaction=True),
        "idempotent": partial(_bare, bench, rows, transaction=False),
        "producing": partial(_producing, bench, rows),
    }
    found = {name: of(rounds, "rate") for name, rounds in interleaved(sides, rounds=bench.rounds).items()}
    for name, against, at_least in (
        ("transactional", "change stream → transactional producer by hand", 0.7),
        ("idempotent", "change stream → idempotent producer by hand", 0.7),
        ("producing", "kafka-python only producing", None),
    ):
        yield Row(
            path="relay",
            what="outbox → Kafka",
            unit="messages/s",
            ours=found["relay"],
            against=against,
            baseline=found[name],
            at_least=at_least,
        )


def outbox_rows(topic: str, count: int) -> list[dict[str, Any]]:
    """Rows as a command's transaction leaves them."""
    now, headers = utc_now(), [list(header) for header in HEADERS]
    return [
        {"topic": topic, "key": key, "value": value, "headers": headers, "sequence": version, "at": now}
        for key, version, value in things(count, keys=max(count // 3, 1))
    ]


def _ours(bench: BenchStack, rows: Sequence[dict[str, Any]]) -> Figures:
    name = bench.name("relay")
    settings = bench.settings(name)
    bench.topics(service_topics(name))
    pace = Pace()
    with bench.database(name) as db:
        db.prepare()
        _write(db, rows[:1])
        with _Relaying(db, settings):  # leaves the place from which the rows are followed
            wait_for(lambda: _relayed(name) == 1, what="the first row to be relayed")
        _write(db, rows)
        already = _relayed(name)
        with _Relaying(db, settings) as second:
            while pace.done < len(rows):
                time.sleep(LOOK_SECONDS)
                second.check()
                done = int(_relayed(name) - already)
                if done > pace.done:
                    pace.count(done - pace.done)
    return {"rate": pace.per_second}


def _bare(bench: BenchStack, rows: Sequence[dict[str, Any]], *, transaction: bool) -> Figures:
    with bench.database(bench.name("bare")) as db:
        db.prepare()
        start = db.raw.command("ping")["operationTime"]
        _write(db, rows)
        identifier = bench.name("bare") if transaction else None
        made = bare.producer(bench.bootstrap_servers, transactional_id=identifier)
        batches = bare.follow(db, JOURNAL, after=start, count=len(rows))
        return {"rate": bare.paced(batches, made, transaction=transaction)}


def _producing(bench: BenchStack, rows: Sequence[dict[str, Any]]) -> Figures:
    made = bare.producer(bench.bootstrap_servers)
    portions = (rows[start : start + bare.BATCH] for start in range(0, len(rows), bare.BATCH))
    return {"rate": bare.paced(portions, made, transaction=False)}


def _write(db: Database, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 2000):
        db[JOURNAL].insert_many([{**row, "_id": new_id()} for row in rows[start : start + 2000]])


def _relayed(service: str) -> float:
    return REGISTRY.get_sample_value("uso_messages_relayed_total", {"service": service}) or 0.0


class _Relaying:
    """Our relay in a thread."""

    def __init__(self, db: Database, settings: Any) -> None:
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._relay = Relay(db, settings)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "_Relaying":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)

    def _run(self) -> None:
        try:
            self._relay.run(lambda: not self._stop.is_set())
        except BaseException as error:  # noqa: BLE001 - told by `check`
            self._error = error

    def check(self) -> None:
        """Raises what the relay ended with."""
        if self._error is not None:
            raise self._error

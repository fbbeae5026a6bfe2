"""The scenarios that are measured, each by a function from the bench's stack to its rows."""

from collections.abc import Callable, Iterable

from bench.bench_stack import BenchStack
from bench.rows import Row
from bench.scenarios import (
    announcement,
    consumer,
    effect,
    http_writes,
    large_event,
    mail,
    rebuild,
    registrations,
    relay,
    round_trips,
    scaling,
)

SCENARIOS: dict[str, Callable[[BenchStack], Iterable[Row]]] = {
    "consumer": consumer.measure,
    "relay": relay.measure,
    "http": http_writes.measure,
    "effect": effect.measure,
    "registrations": registrations.measure,
    "mail": mail.measure,
    "announcement": announcement.measure,
    "large_event": large_event.measure,
    "rebuild": rebuild.measure,
    "scaling": scaling.measure,
    "round_trips": round_trips.measure,
}

"""The paths that are measured, each by a function from the surroundings to its rows."""

from collections.abc import Callable, Iterable

from bench.paths import consumer, http_writes, relay
from bench.rows import Row
from bench.surroundings import Surroundings

PATHS: dict[str, Callable[[Surroundings], Iterable[Row]]] = {
    "consumer": consumer.measure,
    "relay": relay.measure,
    "http": http_writes.measure,
}

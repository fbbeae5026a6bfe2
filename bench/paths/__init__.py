"""The paths that are measured, each by a function from the surroundings to its rows."""

from collections.abc import Callable, Iterable

from bench.paths import consumer, effect, http_writes, mail, rebuild, registrations, relay, scaling, statements
from bench.rows import Row
from bench.surroundings import Surroundings

PATHS: dict[str, Callable[[Surroundings], Iterable[Row]]] = {
    "consumer": consumer.measure,
    "relay": relay.measure,
    "http": http_writes.measure,
    "effect": effect.measure,
    "registrations": registrations.measure,
    "mail": mail.measure,
    "rebuild": rebuild.measure,
    "scaling": scaling.measure,
    "statements": statements.measure,
}

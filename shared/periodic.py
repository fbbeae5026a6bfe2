"""Timed work: what a service's workers do by themselves as time passes."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PeriodicTask:
    """Timed work of a worker process.

    `run` does some of the work that is due and returns whether it did any: if so it is called again at
    once, else after `every` seconds. Several workers may run it at the same time. `stop` is called once,
    from another thread, when the process must end while `run` may still be busy.
    """

    name: str
    run: Callable[[], bool]
    every: float = 1.0
    stop: Callable[[], None] = lambda: None

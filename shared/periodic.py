"""Timed work: what a service's workers do by themselves as time passes."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# A task that has done nothing but fail for so long is no passing trouble: an operator ought to look.
FAILING_SECONDS = 10.0


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


class TasksFail(Exception):
    """Timed work keeps failing."""


class TaskHealth:
    """Which tasks fail, and since when. For several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def failed(self, task: str, error: BaseException) -> None:
        with self._lock:
            since, _ = self._failing.get(task, (self._clock(), ""))
            self._failing[task] = since, type(error).__name__

    def succeeded(self, task: str) -> None:
        with self._lock:
            self._failing.pop(task, None)

    def check(self) -> None:
        """Raises TasksFail, which names them, while a task has failed each time for ten seconds."""
        with self._lock:
            failing = [
                f"{task} ({error})"
                for task, (since, error) in sorted(self._failing.items())
                if self._clock() - since >= FAILING_SECONDS
            ]
        if failing:
            raise TasksFail(", ".join(failing))

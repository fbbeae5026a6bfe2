"""Periodic tasks of a service's workers."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

# A task that has failed each time for so long will not recover by itself: an operator must look.
FAILING_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class PeriodicTask:
    """A periodic task of a worker process.

    `run` does a portion of the due work and returns whether there was any. After work it is called again at once,
    otherwise after `every` seconds. Several workers may run it at the same time. `stop` is called once,
    from another thread, when the process must end while `run` may still be busy.
    """

    name: str
    run: Callable[[], bool]
    every: float = 1.0
    stop: Callable[[], None] = lambda: None


class TasksFail(Exception):
    """A periodic task keeps failing."""


class TaskHealth:
    """The tasks that fail, and since when. Several threads may use it."""

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
        """Raises TasksFail with the names of the tasks that have failed each time for ten seconds."""
        with self._lock:
            failing = [
                f"{task} ({error})"
                for task, (since, error) in sorted(self._failing.items())
                if self._clock() - since >= FAILING_SECONDS
            ]
        if failing:
            raise TasksFail(", ".join(failing))

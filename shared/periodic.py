"""Periodic tasks of a service's workers."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from shared.backoff import backoff
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

# A task that has failed each time for so long will not recover by itself: an operator must look.
FAILING_SECONDS = 10.0
# A task that is woken by the process's own work looks no more often than so, however many messages are applied.
GATHER_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class PeriodicTask:
    """A periodic task of a worker process.

    `run` does a portion of the due work and returns whether there was any. After work it is called again at once,
    otherwise after `every` seconds. Several workers may run it at the same time. `stop` is called once,
    from another thread, when the process must end while `run` may still be busy.

    `after_work`: it need not wait for `every` to pass when this process has just made work for it, that is when its
    consumer has applied messages or another task that `makes_work` has done a portion.
    """

    name: str
    run: Callable[[], bool]
    every: float = 1.0
    after_work: bool = False
    makes_work: bool = True
    stop: Callable[[], None] = lambda: None


class Bell:
    """Rings when a process has done work, so that its other tasks look at once for what follows from it.

    It spares the database: a task that would otherwise ask many times a second asks once or twice. It is a hint alone.
    Work that another process made, or a ring that is missed, is found after the task's `every`.
    """

    def __init__(self) -> None:
        self._rings = 0
        self._changed = threading.Condition()

    @property
    def rings(self) -> int:
        """How often it has rung. Read it before the work is looked for, and hand it to `wait`."""
        return self._rings

    def ring(self) -> None:
        with self._changed:
            self._rings += 1
            self._changed.notify_all()

    def wait(self, heard: int, seconds: float) -> None:
        """Until it has rung more than `heard` times, at most `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._rings > heard, seconds)


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


def repeat(task: PeriodicTask, stop: threading.Event, health: TaskHealth, bell: Bell) -> None:
    """Runs the task until `stop` is set; after a failure again, with back-off."""
    attempt = 0
    while not stop.is_set():
        heard = bell.rings
        try:
            busy = task.run()
            attempt = 0
            health.succeeded(task.name)
        except Exception as error:  # the task continues: the work that failed is still due
            attempt += 1
            health.failed(task.name, error)
            log.exception("task failed", task=task.name, error=type(error).__name__)
            stop.wait(backoff(attempt, first=0.4, most=10.0))
            continue
        if busy:
            if task.makes_work:
                bell.ring()
        elif task.after_work:
            stop.wait(GATHER_SECONDS)
            bell.wait(heard, task.every)
        else:
            stop.wait(task.every)

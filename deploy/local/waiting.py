"""Waiting for what has been started, with a deadline, and no longer than there is hope."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from deploy.local.errors import StackError
from deploy.local.supervision import Supervisor

POLL_SECONDS = 0.05
LOOK_SECONDS = 0.3
HOPELESS = 6


class ShuttingDown(StackError):
    """The stack is being stopped; nobody waits any more."""


class Waiter:
    """Waits for conditions. Each wait ends with the condition or with a StackError that names the process."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._interrupted = threading.Event()
        self._lives: dict[str, set[int]] = defaultdict(set)

    def interrupt(self) -> None:
        """Ends all waits of other threads."""
        self._interrupted.set()

    def until(self, condition: Callable[[], bool], name: str, seconds: float) -> None:
        """Waits for one process."""
        self.until_all({name: condition}, seconds)

    def until_all(self, conditions: Mapping[str, Callable[[], bool]], seconds: float) -> None:
        """Waits for several processes, by name, within one deadline."""
        pending = dict(conditions)
        until = time.monotonic() + seconds
        look_next = 0.0
        while True:
            pending = {name: condition for name, condition in pending.items() if not condition()}
            if not pending:
                return
            if self._interrupted.wait(POLL_SECONDS):
                raise ShuttingDown("The stack is being stopped.")
            now = time.monotonic()
            if now >= look_next:
                self._look(list(pending))
                look_next = now + LOOK_SECONDS
            if now > until:
                raise StackError("\n".join(self._not_ready(name, seconds) for name in pending))

    def _look(self, names: list[str]) -> None:
        pids = self._supervisor.pids()
        for name in names:
            if name in pids:
                self._lives[name].add(pids[name])
            if len(self._lives[name]) >= HOPELESS:
                raise StackError(f"{name} ends again and again. {self._log(name)}")

    def _not_ready(self, name: str, seconds: float) -> str:
        return f"{name} was not ready within {seconds:g} seconds. {self._log(name)}"

    def _log(self, name: str) -> str:
        return f"The end of {self._supervisor.log_file(name)}:\n{self._supervisor.log_tail(name)}"

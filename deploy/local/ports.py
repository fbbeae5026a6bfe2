"""Free loopback ports, chosen once for a run directory and kept for its restarts."""

import json
import random
import socket
import threading
from pathlib import Path

from deploy.local.errors import StackError

HOST = "127.0.0.1"
LOWEST = 10_240
# Below what systems give to outgoing connections: no client takes a server's port while that server restarts.
HIGHEST = 32_000


class Ports:
    """Port numbers by purpose, the same each time. Raises StackError when somebody else has taken one meanwhile."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        self._checked: set[str] = set()
        self._lock = threading.Lock()

    def __getitem__(self, purpose: str) -> int:
        with self._lock:
            return self._known_or_chosen(purpose)

    def _known_or_chosen(self, purpose: str) -> int:
        if purpose not in self._ports:
            self._ports[purpose] = self._choose()
            partial = self._file.with_suffix(".partial")
            partial.write_text(json.dumps(self._ports, indent=1))
            partial.replace(self._file)
        elif purpose not in self._checked and not _is_free(self._ports[purpose]):
            raise StackError(
                f"Port {self._ports[purpose]}, which {self._file.parent} keeps for {purpose}, is taken by another "
                "program: stop that program, or give another --run-dir."
            )
        self._checked.add(purpose)
        return self._ports[purpose]

    def _choose(self) -> int:
        taken = set(self._ports.values())
        candidates = (random.randint(LOWEST, HIGHEST) for _ in range(10_000))  # noqa: S311 - not a secret
        for port in candidates:
            if port not in taken and _is_free(port):
                return port
        raise StackError(f"There is no free port between {LOWEST} and {HIGHEST}.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int, host: str = HOST) -> bool:
    """Whether something listens on the port."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False

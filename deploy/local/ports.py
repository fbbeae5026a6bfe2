"""Free loopback ports, chosen once for a run directory and kept for its restarts."""

import json
import socket
from pathlib import Path

HOST = "127.0.0.1"


class Ports:
    """Port numbers by purpose. A port that somebody else has taken meanwhile is replaced."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        self._checked: set[str] = set()

    def __getitem__(self, purpose: str) -> int:
        if purpose not in self._checked:
            known = self._ports.get(purpose)
            if known is None or not _is_free(known):
                self._ports[purpose] = self._choose()
                self._file.write_text(json.dumps(self._ports, indent=1))
            self._checked.add(purpose)
        return self._ports[purpose]

    def _choose(self) -> int:
        while True:
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                port = int(probe.getsockname()[1])
            if port not in self._ports.values():
                return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether something listens on the port."""
    try:
        with socket.create_connection((HOST, port), timeout=0.5):
            return True
    except OSError:
        return False

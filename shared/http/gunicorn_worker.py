"""gunicorn's threaded worker, which loses no connection when it is told to end."""

import socket

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]


class Worker(ThreadWorker):  # type: ignore[misc]
    """At SIGTERM it takes what has reached its socket, and closes the socket at once rather than at its end.

    Each api process has a socket of its own on the common port (SO_REUSEPORT), and Linux spreads connections over
    all that are open: what it gave meanwhile to a socket that nobody accepts from would be reset in the end. A
    connection in the microseconds between the last accept and the close still is, unless the machine has
    `net.ipv4.tcp_migrate_req` set.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                self._take_the_last(listener)
                listener.close()

    def _take_the_last(self, listener: socket.socket) -> None:
        before = -1
        while self.nr_conns != before:  # `accept` counts what it took, and takes nothing where nothing waits
            before = self.nr_conns
            self.accept(listener)

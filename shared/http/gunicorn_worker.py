"""gunicorn's threaded worker: half a request gets no thread, and no connection is lost when the worker ends."""

import faulthandler
import json
import re
import selectors
import socket
import struct
import threading
import time
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.util import write_nonblock  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

# A client on a poor line sends a head and a small body within this time. Slower connections are closed.
WHOLE_REQUEST_SECONDS = 10.0
# gunicorn keeps idle connections for so long when it ends. The process must be gone within ten seconds.
STOPPING_SECONDS = 2.0
# The longest time that a thread waits for the next bytes of a large body.
READ_SECONDS = 10
# No request takes a minute: when every thread is at a request for longer, all of them hang. gunicorn replaces a
# process without a sign of life after its `timeout`.
HUNG_SECONDS = 60.0
# The process waits without a thread for heads and bodies up to this size. A socket of Linux can hold far more.
PEEKED_BYTES = 65_536
STATUS = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
}
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_EXPECT = re.compile(rb"^expect:", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class Worker(ThreadWorker):  # type: ignore[misc]
    """Waits for requests without threads, answers malformed ones with problem details, and ends without a reset.

    At SIGTERM it accepts the connections that have reached its socket, and closes the socket at once, not at its end.
    Each api process has a socket of its own on the common port (SO_REUSEPORT), and Linux spreads connections over
    all open sockets: connections on a socket that no process accepts from would be reset. A connection in the
    microseconds between the last accept and the close is still reset, unless the machine sets
    `net.ipv4.tcp_migrate_req`.
    """

    hung_seconds = HUNG_SECONDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._begun: dict[int, float] = {}
        self._stacks_shown = False

    def handle(self, conn: TConn) -> Any:
        thread = threading.get_ident()
        self._begun[thread] = time.monotonic()
        try:
            return super().handle(conn)
        finally:
            del self._begun[thread]

    def notify(self) -> None:
        """Gives a sign of life to gunicorn's parent process, unless every thread hangs: then it is replaced."""
        long_ago = time.monotonic() - self.hung_seconds
        if sum(begun < long_ago for begun in list(self._begun.values())) < self.cfg.threads:
            super().notify()
        elif not self._stacks_shown:
            self._stacks_shown = True
            self.log.critical("Every thread hangs: this process will be replaced")
            faulthandler.dump_traceback()

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                self._take_the_last(listener)
                listener.close()

    def _take_the_last(self, listener: socket.socket) -> None:
        before = -1
        while (
            self.nr_conns != before
        ):  # `accept` counts the accepted connections, and returns without waiting when there are none
            before = self.nr_conns
            self.accept(listener)

    def enqueue_req(self, conn: TConn) -> None:
        """Gives the connection to a thread once a whole request has arrived: a slow client keeps no thread busy."""
        if self.cfg.is_ssl or (conn.initialized and conn.parser.unreader.buf.getvalue()) or self._is_whole(conn):
            conn.data_ready = True
            super().enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        conn.timeout = conn.whole_by
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _is_whole(self, conn: TConn) -> bool:
        """Whether the socket holds a whole request, or the client has closed it."""
        if not getattr(conn, "whole_by", None):
            conn.whole_by = time.monotonic() + (WHOLE_REQUEST_SECONDS if self.alive else STOPPING_SECONDS)
            conn.seen = -1
        try:
            waiting = conn.sock.recv(PEEKED_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            waiting, ended = b"", False
        except OSError:
            waiting, ended = b"", True
        else:
            ended = len(waiting) <= conn.seen or not waiting  # readable without more bytes: the client has closed
        wanted = _length(waiting)
        if ended or len(waiting) >= min(wanted, PEEKED_BYTES):
            conn.whole_by = None
            _wake_at(conn.sock, 1)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", READ_SECONDS, 0))
            return True
        conn.seen = len(waiting)
        _wake_at(conn.sock, len(waiting) + 1)
        return False

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answers a request that cannot reach the app with problem details. Logs neither address nor content."""
        refused = isinstance(exc, errors.ParseException) and not isinstance(
            exc, errors.InvalidResponseHeader | errors.InvalidResponseHeaderName
        )
        if refused:
            self.log.warning("Malformed request: %s", type(exc).__name__)
            status = STATUS.get(type(exc), HTTPStatus.BAD_REQUEST)
        else:
            self.log.error("Error handling a request", exc_info=exc)
            status = HTTPStatus.INTERNAL_SERVER_ERROR
        try:
            write_nonblock(client, _problem(status))
        except OSError:
            self.log.debug("The client did not wait for the answer")


def _length(waiting: bytes) -> int:
    """The length in bytes of the request that begins with `waiting`; at least one more while its head is incomplete."""
    head = _HEAD_END.search(waiting)
    if head is None:
        return len(waiting) + 1
    length = _LENGTH.search(waiting, 0, head.end())
    # A client that expects 100 Continue waits for a thread's answer before it sends its body.
    body = int(length[1]) if length and not _EXPECT.search(waiting, 0, head.end()) else 0
    # A larger body does not fit into the peeked bytes: a thread reads it while it arrives.
    return head.end() + (body if body <= PEEKED_BYTES // 2 else 0)


def _wake_at(sock: socket.socket, size: int) -> None:
    """Lets the poller report the socket only when this many bytes wait; half a request would wake it without end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)


def _problem(status: HTTPStatus) -> bytes:
    body = json.dumps(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": status.description or "The request is malformed.",
            "instance": "",
        }
    )
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Connection: close",
        "Content-Type: application/problem+json",
        "Cache-Control: no-store",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join([*head, "", body]).encode()

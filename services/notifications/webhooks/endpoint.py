"""One call of a webhook: a POST to a pinned address, bounded in time and size."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from services.notifications.webhooks.addresses import Target

CONNECT_SECONDS = 5.0
# Standard Webhooks asks for 15 to 30 seconds; an endpoint that drips its answer byte by byte gets no more either.
CALL_SECONDS = 15.0
# Of an answer only the status counts. The rest is read so far, to keep the connection.
READ_BYTES = 16_384


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`status` None: there was none, and `error` says why in a word."""

    status: int | None
    error: str | None = None
    retry_after: str | None = None
    milliseconds: int = 0

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Endpoint:
    """A kept connection to a target. It follows no redirect and knows no proxy. For one thread."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._connection: _Plain | _Tls | None = None

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The endpoint's answer. Raises nothing: what goes wrong is an answer without status."""
        began = time.monotonic()
        kept = self._connection is not None
        answer = self._post(body, headers)
        if kept and answer.error in ("RemoteDisconnected", "ConnectionResetError", "BrokenPipeError"):
            answer = self._post(body, headers)  # the server has closed a connection that it had kept
        return Answer(
            status=answer.status,
            error=answer.error,
            retry_after=answer.retry_after,
            milliseconds=round(1000 * (time.monotonic() - began)),
        )

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        connection = self._connection or _connection_to(self.target)
        self._connection = connection
        was_cut = threading.Event()
        limit = threading.Timer(CALL_SECONDS, _cut, [connection, was_cut])
        limit.daemon = True
        limit.start()
        try:
            connection.request("POST", self.target.path, body, dict(headers))
            response = connection.getresponse()
            response.read(READ_BYTES)
            whole = response.isclosed()
            answer = Answer(status=response.status, retry_after=response.getheader("Retry-After"))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return Answer(status=None, error="timeout" if was_cut.is_set() else _word_for(error))
        finally:
            limit.cancel()
        if not whole:
            self.close()
        return answer


def _word_for(error: Exception) -> str:
    return "timeout" if isinstance(error, TimeoutError) else type(error).__name__


class _Plain(http.client.HTTPConnection):
    pinned = ""

    def connect(self) -> None:
        self.sock = socket.create_connection((self.pinned, self.port), CONNECT_SECONDS)
        self.sock.settimeout(CALL_SECONDS)


class _Tls(http.client.HTTPSConnection):
    pinned = ""

    def connect(self) -> None:
        plain = socket.create_connection((self.pinned, self.port), CONNECT_SECONDS)
        plain.settimeout(CALL_SECONDS)
        # The certificate is checked against the name, although the name is not looked up again.
        self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)


def _connection_to(target: Target) -> _Plain | _Tls:
    made = (_Tls if target.scheme == "https" else _Plain)(target.host, target.port)
    made.pinned = target.address
    return made


def _cut(connection: _Plain | _Tls, was_cut: threading.Event) -> None:
    """Ends a call that takes too long, from another thread; it says so first, since the call fails at once."""
    was_cut.set()
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)

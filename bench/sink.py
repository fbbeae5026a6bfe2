"""A mail server that takes everything at once and notes when: fast enough not to be what is measured."""

import asyncio
import threading
import time
from dataclasses import dataclass, field

from deploy.local.ports import HOST

ANSWERS = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}


@dataclass
class Sink:
    """Runs in a thread of its own. `mails` are (time of arrival, sender, recipient, content)."""

    port: int
    mails: list[tuple[float, str, str, bytes]] = field(default_factory=list)

    def __enter__(self) -> "Sink":
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"

    def _run(self, started: threading.Event) -> None:
        self._loop.run_until_complete(self._loop.create_server(lambda: _Dialogue(self), HOST, self.port))
        started.set()
        self._loop.run_forever()


class _Dialogue(asyncio.Protocol):
    """One connection (RFC 5321); dots are left doubled, since nobody reads the mails."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._waiting = b""
        self._in_data = False
        self._sender = self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            found, mark, rest = self._waiting.partition(end)
            if not mark:
                return
            self._waiting = rest
            if self._in_data:
                self._sink.mails.append((time.perf_counter(), self._sender, self._recipient, found + b"\r\n"))
                self._in_data = False
                self._transport.write(b"250 taken\r\n")
            else:
                self._command(found)

    def _command(self, line: bytes) -> None:
        word = line[:4].upper()
        self._in_data = word == b"DATA"
        if word in (b"MAIL", b"RCPT"):
            address = line.partition(b"<")[2].partition(b">")[0].decode()
            if word == b"MAIL":
                self._sender = address
            else:
                self._recipient = address
        self._transport.write(ANSWERS.get(word, b"250 fine\r\n"))

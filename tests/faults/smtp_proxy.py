"""A proxy in front of the mail server that can drop a reply: the mail is there, and its sender cannot know."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable

END_OF_MAIL = b"\r\n.\r\n"


class LossySmtpProxy:
    """Passes SMTP on to `target`'s address. `drop_next_reply` drops the reply to a whole mail."""

    def __init__(self, target: Callable[[], str]) -> None:
        self.dropped = 0
        self._target = target
        self._to_drop = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """What SMTP_URL is to be."""
        return f"smtp://127.0.0.1:{self._server.server_address[1]}"

    def drop_next_reply(self, count: int = 1) -> None:
        """The answers to the next `count` mails never reach their sender."""
        with self._lock:
            self._to_drop += count

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def drops_this(self) -> bool:
        with self._lock:
            if not self._to_drop:
                return False
            self._to_drop -= 1
            self.dropped += 1
            return True

    def connect(self) -> socket.socket:
        host, _, port = self._target().rpartition(":")
        return socket.create_connection((host, int(port)), timeout=10)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    proxy: LossySmtpProxy


class _Handler(socketserver.BaseRequestHandler):
    """One connection: what the client says goes on at once, answers are dropped where one is to be lost."""

    server: _Server

    def handle(self) -> None:
        with contextlib.suppress(OSError), self.server.proxy.connect() as there:
            self._mute = threading.Event()
            threading.Thread(target=self._answers, args=(there,), daemon=True).start()
            said = b""
            while data := self.request.recv(65536):
                said = (said + data)[-65536:]
                if said.endswith(END_OF_MAIL) and self.server.proxy.drops_this():
                    self._mute.set()
                there.sendall(data)

    def _answers(self, there: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := there.recv(65536):
                if self._mute.is_set():
                    break
                self.request.sendall(data)
            self.request.shutdown(socket.SHUT_RDWR)

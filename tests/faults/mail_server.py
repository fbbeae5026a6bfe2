"""A mail server in front of the stack's own that is slow, picky and forgetful when it is told to be."""

import asyncio
import re
import smtplib
import socket
import threading
from collections.abc import Callable
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

# Addresses that this server never takes, and those that it takes at the second offer (RFC 5321, 4.2.3).
GONE, BUSY = re.compile(r"gone\."), re.compile(r"busy\.")


class DifficultMailServer:
    """Hands each mail on to `target`'s address, host:port, before it answers.

    `drop_next_reply`: the mail is there, and its sender cannot know. `slow_down`: the answer comes late. A mail to an
    address that begins with `gone.` is refused for good. `busy`: the first mail to one that begins with `busy.` is
    refused for now, and its sender comes again minutes later.
    """

    def __init__(self, target: Callable[[], str], *, busy: bool = False) -> None:
        self.dropped = 0
        self._busy = busy
        self._target = target
        self._to_drop = 0
        self._delays: list[float] = []
        self._offered: set[str] = set()
        self._lock = threading.Lock()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port, enable_SMTPUTF8=True)
        self._controller.start()

    @property
    def url(self) -> str:
        """The value for SMTP_URL."""
        return f"smtp://127.0.0.1:{self._port}"

    def drop_next_reply(self, count: int = 1) -> None:
        """The answers to the next `count` mails never reach their sender."""
        with self._lock:
            self._to_drop += count

    def slow_down(self, count: int, seconds: float) -> None:
        """The next `count` mails are answered so many seconds after they are there."""
        with self._lock:
            self._delays += [seconds] * count

    def close(self) -> None:
        self._controller.stop()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if GONE.match(address):
            return "550 5.1.1 No such person here"
        if self._busy and BUSY.match(address) and address not in self._offered:
            self._offered.add(address)
            return "450 4.2.1 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        drops, delay = self._fate()
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._hand_on, envelope)
        except (OSError, smtplib.SMTPException):
            drops = True  # the connection breaks, as it does when a server dies
        if drops:
            server.transport.abort()
        else:
            await asyncio.sleep(delay)
        return "250 OK"

    def _fate(self) -> tuple[bool, float]:
        with self._lock:
            delay = self._delays.pop() if self._delays else 0.0
            if not self._to_drop:
                return False, delay
            self._to_drop -= 1
            self.dropped += 1
            return True, 0.0

    def _hand_on(self, envelope: Envelope) -> None:
        host, _, port = self._target().rpartition(":")
        with smtplib.SMTP(host, int(port), timeout=30) as target:
            target.sendmail(envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content or b"", ["SMTPUTF8"])

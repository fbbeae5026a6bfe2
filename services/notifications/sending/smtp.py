"""An SMTP connection (RFC 5321), opened when a mail needs it, and kept open."""

import contextlib
import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.notifications.sending.smtp_reply import Reply, read_reply
from services.notifications.settings import SmtpServer

CONNECT_SECONDS = 30.0  # For TCP and TLS: a server that takes longer is away.
# RFC 5321, 4.5.3.2. A client that gives up earlier sends a mail again that the server is still taking.
GREETING_SECONDS = MAIL_SECONDS = RCPT_SECONDS = 300.0
DATA_SECONDS = 120.0
CONTENT_SECONDS = 180.0
FINAL_SECONDS = 600.0
IDLE_SECONDS = 60.0
# The first digit of each positive answer.
GO_ON = {"mail": 2, "rcpt": 2, "data": 3}
_BROKEN = (OSError, smtplib.SMTPServerDisconnected)
# The server asks for a login or for TLS (RFC 4954, 6; RFC 3207, 4): the operator's mistake, not the mail's.
_NOT_LET_IN = (530, 534, 535, 538)


class Away(Exception):
    """The server cannot be reached, or says goodbye (421): nothing was sent, and no mail is to blame."""


class OutcomeUnknown(Exception):
    """The connection broke after the mail's last byte may have arrived."""


class Refused(Exception):
    """The server will not take this mail: not now, or (`for_good`) never."""

    def __init__(self, reply: Reply, *, for_good: bool | None = None) -> None:
        super().__init__(str(reply.code))
        self.reply = reply
        self.for_good = reply.code >= 500 if for_good is None else for_good


@dataclass(frozen=True, kw_only=True)
class Envelope:
    sender: str
    recipient: str
    content: bytes


class Session:
    """Hands mails to a server, one after another. Use it from one thread."""

    def __init__(self, server: SmtpServer, *, helo: str | None = None) -> None:
        self.server = server
        self.helo = helo
        self._smtp: smtplib.SMTP | None = None
        self._used_at = 0.0

    def open(self) -> None:
        """Connects, unless there is a connection that was used a moment ago. Raises Away."""
        if self._smtp is not None and time.monotonic() - self._used_at > IDLE_SECONDS:
            self.close()
        if self._smtp is not None:
            return
        try:
            self._smtp = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise Away(type(error).__name__) from None
        self._used_at = time.monotonic()

    def send(self, envelope: Envelope) -> Reply:
        """The server's answer when it has taken the mail. Raises Away, Refused or OutcomeUnknown."""
        fresh = self._smtp is None
        self.open()
        try:
            self._begin(envelope)
        except Away:
            if fresh:
                raise
            self.open()  # the server may have closed a kept connection meanwhile
            self._begin(envelope)
        reply = self._content(envelope)
        self._used_at = time.monotonic()
        return reply

    def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        smtp: smtplib.SMTP
        if server.tls:
            context = ssl.create_default_context()
            smtp = _SmtpTls(server.host, server.port, self.helo, timeout=CONNECT_SECONDS, context=context)
        else:
            smtp = _Smtp(server.host, server.port, self.helo, timeout=CONNECT_SECONDS)
        try:
            if server.starttls:
                smtp.starttls(context=ssl.create_default_context())
            if server.user:
                smtp.login(server.user, server.password or "")
            smtp.ehlo_or_helo_if_needed()
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _begin(self, envelope: Envelope) -> None:
        """The dialogue up to the server's go-ahead for the content: until then nothing can have been sent."""
        smtp = self._smtp
        assert smtp is not None
        options = [] if envelope.recipient.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
        if options and not smtp.has_extn("smtputf8"):
            # RFC 6531, 3.2: such an address must not be sent here. The code is that of its section 4.2.
            raise Refused(Reply(code=553, enhanced_code="5.6.7", text="the server takes no such address"))
        try:
            if options:
                smtp.command_encoding = "utf-8"
            commands = [
                ("mail", f"FROM:<{envelope.sender}> {' '.join(options)}".rstrip(), MAIL_SECONDS),
                ("rcpt", f"TO:<{envelope.recipient}>", RCPT_SECONDS),
                ("data", "", DATA_SECONDS),
            ]
            if smtp.has_extn("pipelining"):
                self._pipeline(commands)
            else:
                for verb, argument, seconds in commands:
                    self._command(verb, argument, seconds, expected=GO_ON[verb])
        except UnicodeError:
            self._drop()
            raise Refused(Reply(code=553, enhanced_code="5.1.3", text="the address cannot be written")) from None
        except _BROKEN as error:
            self._drop()
            raise Away(type(error).__name__) from None
        finally:
            smtp.command_encoding = "ascii"

    def _pipeline(self, commands: Sequence[tuple[str, str, float]]) -> None:
        """All commands in one segment (RFC 2920): one round trip in place of three."""
        smtp = self._smtp
        assert smtp is not None
        assert smtp.sock is not None
        lines = [f"{verb} {argument}".rstrip() for verb, argument, _ in commands]
        if any("\r" in line or "\n" in line for line in lines):
            raise UnicodeError("a command is one line")
        smtp.send("".join(f"{line}\r\n" for line in lines))
        no: Reply | None = None
        for verb, _, seconds in commands:
            smtp.sock.settimeout(seconds)
            reply = read_reply(smtp)
            if reply.code == 421:
                self._turned_down(reply)
            if no is None and reply.code // 100 != GO_ON[verb]:
                no = reply
        if no is None:
            return
        if reply.code // 100 == GO_ON["data"]:  # the server waits for a content: only hanging up surely sends nothing
            self._drop()
            raise _refusal(no)
        self._turned_down(no)

    def _command(self, verb: str, argument: str, seconds: float, *, expected: int) -> None:
        smtp = self._smtp
        assert smtp is not None
        assert smtp.sock is not None
        smtp.sock.settimeout(seconds)
        smtp.putcmd(verb, argument)
        reply = read_reply(smtp)
        if reply.code // 100 != expected:
            self._turned_down(reply)

    def _content(self, envelope: Envelope) -> Reply:
        smtp = self._smtp
        assert smtp is not None
        assert smtp.sock is not None
        try:
            smtp.sock.settimeout(CONTENT_SECONDS)
            smtp.send(_quoted(envelope.content))
            smtp.sock.settimeout(FINAL_SECONDS)
            reply = read_reply(smtp)
        except _BROKEN as error:
            self._drop()
            raise OutcomeUnknown(type(error).__name__) from None
        if reply.code // 100 != 2:
            self._turned_down(reply)
        return reply

    def _turned_down(self, reply: Reply) -> None:
        """Raises Away for a goodbye (421), and Refused for any other answer, which concerns this mail alone."""
        smtp = self._smtp
        if reply.code == 421 or smtp is None:
            self._drop()
            raise Away("421")
        if reply.code // 100 in (4, 5):
            try:
                smtp.rset()
            except _BROKEN:
                self._drop()
        else:  # SMTP has no such answer here: the next answer may belong to another command
            self._drop()
        raise _refusal(reply)

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


def _refusal(reply: Reply) -> Refused:
    return Refused(reply, for_good=reply.code >= 500 and reply.code not in _NOT_LET_IN)


class _Smtp(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        return _patient(super()._get_socket(host, port, timeout))  # type: ignore[misc]


class _SmtpTls(smtplib.SMTP_SSL):
    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        return _patient(super()._get_socket(host, port, timeout))  # type: ignore[misc]


def _patient(connected: socket.socket) -> socket.socket:
    connected.settimeout(GREETING_SECONDS)
    return connected


def _quoted(content: bytes) -> bytes:
    """`content` with its leading dots doubled and its end marked (RFC 5321, 4.5.2). It has CRLF line ends."""
    quoted = content.replace(b"\r\n.", b"\r\n..")
    if quoted.startswith(b"."):
        quoted = b"." + quoted
    return quoted + (b".\r\n" if quoted.endswith(b"\r\n") else b"\r\n.\r\n")

"""One SMTP connection (RFC 5321), opened when it is needed and kept."""

import contextlib
import smtplib
import ssl
import time
from dataclasses import dataclass

from services.notifications.settings import SmtpServer

TIMEOUT_SECONDS = 20.0
IDLE_SECONDS = 60.0
_BROKEN = (OSError, smtplib.SMTPServerDisconnected)


class Away(Exception):
    """The server cannot be reached or turns everything down: nothing was sent, and no mail is to blame."""


class OutcomeUnknown(Exception):
    """The connection broke after the mail's last byte may have arrived."""


class Refused(Exception):
    """The server answered `code` to this mail: not now (4xx) or never (5xx)."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code

    @property
    def for_good(self) -> bool:
        return self.code >= 500


@dataclass(frozen=True, kw_only=True)
class Envelope:
    sender: str
    recipient: str
    content: bytes


class Session:
    """Hands mails to a server, one after another. For one thread."""

    def __init__(self, server: SmtpServer, *, helo: str | None = None) -> None:
        self.server = server
        self.helo = helo
        self._smtp: smtplib.SMTP | None = None
        self._used_at = 0.0

    def open(self) -> None:
        """Connects if there is no connection, or one that may have gone stale. Raises Away."""
        if self._smtp is not None and time.monotonic() - self._used_at > IDLE_SECONDS:
            self.close()
        if self._smtp is not None:
            return
        try:
            self._smtp = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise Away(type(error).__name__) from None
        self._used_at = time.monotonic()

    def send(self, envelope: Envelope) -> None:
        """Returns when the server has taken the mail (250). Raises Away, Refused or OutcomeUnknown."""
        fresh = self._smtp is None
        self.open()
        try:
            self._begin(envelope)
        except Away:
            if fresh:
                raise
            self.open()  # a kept connection may have been closed by the server meanwhile
            self._begin(envelope)
        self._content(envelope)
        self._used_at = time.monotonic()

    def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        context = ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.tls:
            smtp = smtplib.SMTP_SSL(server.host, server.port, self.helo, timeout=TIMEOUT_SECONDS, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, self.helo, timeout=TIMEOUT_SECONDS)
        try:
            if server.starttls:
                smtp.starttls(context=context)
            if server.user:
                smtp.login(server.user, server.password or "")
            smtp.ehlo_or_helo_if_needed()
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _begin(self, envelope: Envelope) -> None:
        """Up to the server's go-ahead for the content: so far nothing can have been sent."""
        smtp = self._smtp
        assert smtp is not None
        options = [] if envelope.recipient.isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
        try:
            code, _ = smtp.mail(envelope.sender, options)
            if code != 250:  # it is us, not the recipient, that it will not have
                self.close()
                raise Away(f"MAIL {code}")
            code, _ = smtp.rcpt(envelope.recipient)
            if code not in (250, 251):
                self._turned_down(code)
            code, _ = smtp.docmd("DATA")
            if code != 354:
                self._turned_down(code)
        except _BROKEN as error:
            self._drop()
            raise Away(type(error).__name__) from None

    def _content(self, envelope: Envelope) -> None:
        smtp = self._smtp
        assert smtp is not None
        try:
            smtp.send(_quoted(envelope.content))
            code, _ = smtp.getreply()
        except _BROKEN as error:
            self._drop()
            raise OutcomeUnknown(type(error).__name__) from None
        if code != 250:
            self._turned_down(code)

    def _turned_down(self, code: int) -> None:
        smtp = self._smtp
        if code == 421 or smtp is None:
            self._drop()
            raise Away("421")
        try:
            smtp.rset()
        except (*_BROKEN, smtplib.SMTPException):
            self._drop()
        raise Refused(code)

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


def _quoted(content: bytes) -> bytes:
    """Leading dots doubled and the end marked (RFC 5321, 4.5.2); `content` has CRLF line ends."""
    quoted = content.replace(b"\r\n.", b"\r\n..")
    if quoted.startswith(b"."):
        quoted = b"." + quoted
    return quoted + (b".\r\n" if quoted.endswith(b"\r\n") else b"\r\n.\r\n")

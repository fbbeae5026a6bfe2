"""An e-mail as it goes over the wire (RFC 5322, MIME). Pure: the date is an argument, nothing is random."""

import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Mapping
from datetime import UTC, datetime
from email.header import Header
from email.message import Message
from email.policy import Policy
from email.utils import format_datetime, parseaddr

MAX_LINE = 998  # RFC 5322, 2.1.1
MAX_PHRASE = 60  # a longer name is written in encoded words, which can be folded; quoted names cannot
METHODS = ("PUBLISH", "REQUEST", "CANCEL")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TOKEN = re.compile(r"[A-Za-z0-9-]+")
_ID = re.compile(r"[A-Za-z0-9._-]+")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]+@[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f]+")
_QUOTED = re.compile(r"[^A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]")
_OURS = frozenset(
    [
        "from",
        "to",
        "cc",
        "bcc",
        "sender",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-language",
        "auto-submitted",
        "x-auto-response-suppress",
        "list-unsubscribe",
        "list-unsubscribe-post",
    ]
)


class HeaderValue(str):
    """A header's value that goes out exactly as it is written, whatever the policy's line length.

    The standard library would break a long address in List-Unsubscribe into encoded words, which no
    mail program reads. It has the two members that `email.policy` asks of a parsed header.
    """

    __slots__ = ("name",)
    name: str

    @classmethod
    def of(cls, name: str, value: str) -> "HeaderValue":
        made = cls(value)
        made.name = name
        return made

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}".replace("\n", policy.linesep) + policy.linesep


def compose(
    *,
    delivery_id: str,
    sender: str,
    recipient_name: str,
    recipient_address: str,
    subject: str,
    text: str,
    html: str,
    language: str,
    date: datetime,
    domain: str,
    calendar: bytes | None = None,
    calendar_method: str | None = None,
    unsubscribe_url: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Message:
    """The mail of one delivery: text and HTML, and with `calendar` the invitation, to accept and to save.

    Write it with the policy `email.policy.SMTP` (or SMTPUTF8), so that its lines end with CRLF.
    The same arguments make the same bytes. `Message-ID` is `<delivery_id@domain>`, so that the
    recipient's programs recognise a mail that was sent twice. It says that a machine wrote it (RFC 3834, 5) and, with
    `unsubscribe_url`, how to unsubscribe with one click (RFC 8058). Bodies are 7-bit; so are headers,
    but for an address that is not ASCII (RFC 6532). Line breaks in a name or subject become spaces.
    Raises ValueError for an address, id, domain, header, sender, web address or calendar method that
    is none, and for a naive date.
    """
    if date.tzinfo is None:
        raise ValueError("The date of a mail needs a time zone.")
    if not _ID.fullmatch(delivery_id) or not _ID.fullmatch(domain):
        raise ValueError("A Message-ID is made of letters, digits, points and hyphens.")
    if _BREAKS.search(sender):
        raise ValueError("The sender is one line.")
    sender_name, sender_address = parseaddr(sender)
    message = Message()
    _set(message, "From", _mailbox(sender_name, sender_address))
    _set(message, "To", _mailbox(recipient_name, recipient_address))
    _set(message, "Subject", _encoded(_one_line(subject), "Subject"))
    _set(message, "Date", format_datetime(date.astimezone(UTC)))
    _set(message, "Message-ID", f"<{delivery_id}@{domain}>")
    _set(message, "Auto-Submitted", "auto-generated")
    _set(message, "X-Auto-Response-Suppress", "OOF, AutoReply")  # Exchange does not look at Auto-Submitted
    _set(message, "Content-Language", _token(language))
    if unsubscribe_url:
        _set(message, "List-Unsubscribe", f"<{_page(unsubscribe_url)}>")
        _set(message, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    for name, value in (headers or {}).items():
        if name.lower() in _OURS:
            raise ValueError(f"The header {name} is not free.")
        _set(message, _token(name), _encoded(_one_line(value), name))
    _set(message, "MIME-Version", "1.0")
    _fill(message, delivery_id, text, html, calendar, calendar_method)
    return message


def _fill(message: Message, boundary: str, text: str, html: str, calendar: bytes | None, method: str | None) -> None:
    alternatives = [_text_part("plain", text), _text_part("html", html)]
    if calendar is None:
        _multipart(message, "alternative", boundary, alternatives)
        return
    if method not in METHODS:
        raise ValueError(f"A calendar cannot have the method {method}.")
    # The alternative is what programs show with buttons (RFC 6047, 2.4), the attachment what people can save.
    alternatives.append(_base64_part(f'text/calendar; charset="utf-8"; method={method}', calendar))
    attachment = _base64_part('application/ics; name="invite.ics"', calendar)
    _set(attachment, "Content-Disposition", 'attachment; filename="invite.ics"')
    body = Message()
    _multipart(body, "alternative", f"a{boundary}", alternatives)
    _multipart(message, "mixed", f"m{boundary}", [body, attachment])


def _multipart(message: Message, subtype: str, boundary: str, parts: list[Message]) -> None:
    # "=_" stands in no part: quoted-printable writes "=" before hexadecimal digits or at a line's end,
    # base64 has no "_" (RFC 2045, 6.7).
    _set(message, "Content-Type", f'multipart/{subtype}; boundary="=_{boundary[:60]}"')
    message.set_payload([*parts])


def _text_part(subtype: str, text: str) -> Message:
    part = Message()
    _set(part, "Content-Type", f'text/{subtype}; charset="utf-8"')
    _set(part, "Content-Transfer-Encoding", "quoted-printable")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    part.set_payload(b2a_qp(lines, istext=True).decode("ascii"))
    return part


def _base64_part(content_type: str, content: bytes) -> Message:
    part = Message()
    _set(part, "Content-Type", content_type)
    _set(part, "Content-Transfer-Encoding", "base64")
    part.set_payload(encodebytes(content).decode("ascii"))
    return part


def _set(message: Message, name: str, value: str) -> None:
    """Adds a header that was made safe already.

    `Message`, and not `EmailMessage`: its policy makes a class for each header, which is a tenth of a mail's work.
    """
    if any(len(line) + len(name) > MAX_LINE - 2 for line in value.split("\n")):
        raise ValueError(f"The header {name} is too long.")
    message[name] = HeaderValue.of(name, value)


def _one_line(text: str) -> str:
    return " ".join(_BREAKS.sub(" ", text).split()).encode("utf-8", "replace").decode("utf-8")


def _encoded(text: str, name: str) -> str:
    """A free text in a header: as it is where it is ASCII and short, or else in encoded words (RFC 2047)."""
    if text.isascii() and "=?" not in text and len(name) + len(text) <= 76:
        return text
    return Header(text, "utf-8", header_name=name, maxlinelen=76).encode(linesep="\n")


def _mailbox(name: str, address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError("This is no e-mail address.")
    plain = _one_line(name)
    if not plain:
        return address
    if not plain.isascii() or "=?" in plain or len(plain) > MAX_PHRASE:
        words = Header(plain, "utf-8", header_name="From", maxlinelen=76).encode(linesep="\n")
        return f"{words}\n <{address}>"
    if _QUOTED.search(plain):
        escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{plain} <{address}>"


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("A header's name and a language are made of letters, digits and hyphens.")
    return text


def _page(url: str) -> str:
    if not re.fullmatch(r"https?://[!-;=?-~]+", url):
        raise ValueError("The address for unsubscribing is no web address.")
    return url

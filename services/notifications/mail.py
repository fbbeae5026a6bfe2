"""An e-mail as it goes over the wire (RFC 5322, MIME). Pure: the date is an argument, nothing is random."""

import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Mapping
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, parseaddr
from functools import lru_cache

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
        "references",
        "reply-to",
        "in-reply-to",
        "list-unsubscribe",
        "list-unsubscribe-post",
    ]
)


def compose(
    *,
    delivery_id: str,
    sender: str,
    recipient_name: str,
    recipient_address: str,
    subject: str,
    text: bytes,
    html: bytes,
    language: str,
    date: datetime,
    domain: str,
    calendar: bytes | None = None,
    calendar_method: str | None = None,
    unsubscribe_url: str | None = None,
    conversation: str | None = None,
    reply_to: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The mail of one delivery: text and HTML, and with `calendar` the invitation, to accept and to save.

    `text` and `html` are as `quoted_printable` writes them. The same arguments make the same bytes, with CRLF line
    ends. `Message-ID` is `<delivery_id@domain>`, so that a mail that was sent twice can be known as one. It says
    that a machine wrote it (RFC 3834, 5) and, with `unsubscribe_url`, how to unsubscribe with one click (RFC 8058).
    Bodies are 7-bit; so are headers, but for an address that is not ASCII (RFC 6532). Line breaks in a name or
    subject become spaces. Raises ValueError for an address, id, domain, header, sender, web address or calendar
    method that is none, and for a naive date.
    """
    if date.tzinfo is None:
        raise ValueError("The date of a mail needs a time zone.")
    _whole_id(delivery_id), _whole_id(domain)
    fields = [
        ("From", _sender(sender)),
        ("To", _mailbox(recipient_name, recipient_address)),
        ("Subject", _encoded(_one_line(subject), "Subject")),
        ("Date", format_datetime(date.astimezone(UTC))),
        ("Message-ID", f"<{delivery_id}@{domain}>"),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),  # Exchange does not look at Auto-Submitted
        ("Content-Language", _token(language)),
    ]
    if conversation:  # mail programs show the mails with one reference as one conversation
        fields.append(("References", f"<{_whole_id(conversation)}@{domain}>"))
    if reply_to:
        fields.append(("Reply-To", _mailbox("", reply_to)))
    if unsubscribe_url:
        fields.append(("List-Unsubscribe", f"<{_page(unsubscribe_url)}>"))
        fields.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    for name, value in (headers or {}).items():
        if name.lower() in _OURS:
            raise ValueError(f"The header {name} is not free.")
        fields.append((_token(name), _encoded(_one_line(value), name)))
    head = "".join(_line(name, value) for name, value in [*fields, ("MIME-Version", "1.0")])
    body = _body(delivery_id, text, html, calendar, calendar_method)
    return head.encode("ascii" if recipient_address.isascii() else "utf-8") + body


def quoted_printable(text: str) -> bytes:
    """The text as a mail's body (RFC 2045, 6.7), line by line: what a line becomes depends on no other line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    return b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")


def _body(boundary: str, text: bytes, html: bytes, calendar: bytes | None, method: str | None) -> bytes:
    parts = [_TEXT_PART + text, _HTML_PART + html]
    if calendar is None:
        return _multipart("alternative", boundary, parts)
    if method not in METHODS:
        raise ValueError(f"A calendar cannot have the method {method}.")
    # The alternative is what programs show with buttons (RFC 6047, 2.4), the attachment what people can save.
    encoded = encodebytes(calendar).replace(b"\n", b"\r\n")
    parts.append(_CALENDAR_PART % method.encode() + encoded)
    return _multipart("mixed", f"m{boundary}", [_multipart("alternative", f"a{boundary}", parts), _ICS_PART + encoded])


def _multipart(subtype: str, boundary: str, parts: list[bytes]) -> bytes:
    # "=_" stands in no part: quoted-printable writes "=" before hexadecimal digits or at a line's end,
    # base64 has no "_" (RFC 2045, 6.7).
    mark = f"=_{boundary[:60]}".encode()
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (subtype.encode(), mark)
    return b"%s--%s\r\n%s\r\n--%s--\r\n" % (head, mark, (b"\r\n--%s\r\n" % mark).join(parts), mark)


_QP = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
_BASE64 = b"Content-Transfer-Encoding: base64\r\n"
_TEXT_PART = b'Content-Type: text/plain; charset="utf-8"\r\n' + _QP
_HTML_PART = b'Content-Type: text/html; charset="utf-8"\r\n' + _QP
_CALENDAR_PART = b'Content-Type: text/calendar; charset="utf-8"; method=%s\r\n' + _BASE64 + b"\r\n"
_ICS_PART = (
    b'Content-Type: application/ics; name="invite.ics"\r\n'
    + _BASE64
    + b'Content-Disposition: attachment; filename="invite.ics"\r\n\r\n'
)


def _whole_id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError("A Message-ID is made of letters, digits, points and hyphens.")
    return text


def _line(name: str, value: str) -> str:
    """A header that was made safe already."""
    if any(len(line) + len(name) > MAX_LINE - 2 for line in value.split("\n")):
        raise ValueError(f"The header {name} is too long.")
    folded = value.replace("\n", "\r\n")
    return f"{name}: {folded}\r\n"


@lru_cache(maxsize=16)
def address_of(mailbox: str) -> str:
    """The address in a From header's value."""
    return parseaddr(mailbox)[1]


@lru_cache(maxsize=16)
def _sender(sender: str) -> str:
    if _BREAKS.search(sender):
        raise ValueError("The sender is one line.")
    return _mailbox(*parseaddr(sender))


def _one_line(text: str) -> str:
    return " ".join(_BREAKS.sub(" ", text).split()).encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=256)  # a crowd's mails have the same subject
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

"""E-mail addresses: the spelling to keep, and the spelling to compare."""

from typing import Any

import idna
from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError, fields, validate

from shared.text import one_line

# RFC 5321, 4.5.3.1.3: a path of 256 octets with its angle brackets.
MAX_LENGTH = 254


class EmailAddress(fields.String):
    """An address that mail can be sent to: composed, trimmed of invisible characters, its domain in lower case.

    Address literals (`m@[192.0.2.1]`) and names of no public domain (`x@localhost`) are refused.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(max=MAX_LENGTH), **{**kwargs, "metadata": {"format": "email"}})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        try:
            return validate_email(one_line(text), check_deliverability=False).normalized
        except (EmailNotValidError, ValueError) as error:
            raise ValidationError(f"Not an e-mail address: {error}") from error


def to_wire(address: str) -> str:
    """The address with its domain as an A-label (RFC 5891), which every mail server takes.

    A local part that is not ASCII stays as it is: it needs SMTPUTF8 (RFC 6531). Raises ValueError for a
    domain that cannot be written so.
    """
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError as error:
        raise ValueError("This domain cannot be written in ASCII.") from error


def normalise_email(address: str) -> str:
    """The address as it is compared: in lower case, its domain as an A-label, however it was written.

    Two people do not share a mailbox here, so the local part's case does not count (RFC 5321 would let it).
    """
    folded = one_line_or_as_is(address).casefold()
    try:
        return to_wire(folded)
    except ValueError:
        return folded


def one_line_or_as_is(text: str) -> str:
    """`text` composed (NFC) and trimmed; unchanged when it cannot be."""
    try:
        return one_line(text)
    except ValueError:
        return text.strip()

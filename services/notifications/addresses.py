"""E-mail addresses as mail servers take them, and as two of them are compared. Pure."""

import idna


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
    """The address as it is compared: in lower case, its domain as an A-label, however it was written."""
    folded = address.strip().casefold()
    try:
        return to_wire(folded)
    except ValueError:
        return folded

"""The call that is being answered: who calls, with which preconditions, once or again."""

import hashlib
import re

from flask import g, request

from shared.cause import Cause
from shared.errors import Invalid, PreconditionRequired, Problem
from shared.mongo.database import IdempotencyKey
from shared.mongo.unit_of_work import IF_MATCH_ANY


def request_cause() -> Cause:
    """Who makes this call: the cause of whatever it changes."""
    cause: Cause = g.cause
    return cause


def if_match() -> int | None:
    """The version that `If-Match` names (RFC 9110, 13.1.1); None without it, IF_MATCH_ANY for `*`."""
    header = request.headers.get("If-Match")
    if header is None:
        return None
    if header.strip() == "*":
        return IF_MATCH_ANY
    found = _ETAG.fullmatch(header.strip())
    if not found:
        raise Problem('If-Match must be one strong ETag as we gave it, such as "3".')
    return int(found[1])


def once() -> IdempotencyKey | None:
    """This call's Idempotency-Key, tied to the caller and to what is asked; None without the header."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise Invalid({"Idempotency-Key": ["1 to 255 printable characters, such as a new UUID."]})
    fingerprint = hashlib.sha256()
    for part in (request.method, request.full_path, request.mimetype):
        fingerprint.update(part.encode() + b"\0")
    fingerprint.update(request.get_data(cache=True))
    identity = hashlib.sha256(f"{request_cause().actor}\0{key}".encode()).hexdigest()
    g.once = IdempotencyKey(id=identity, fingerprint=fingerprint.hexdigest())
    return g.once  # type: ignore[no-any-return]


def required_match(if_match: int | None) -> int:
    """The version that PATCH and PUT must name. Raises PreconditionRequired (RFC 6585) without one."""
    if if_match is None:
        raise PreconditionRequired('Send If-Match with the ETag of the version you changed, such as If-Match: "3".')
    return if_match


_ETAG = re.compile(r'"(\d{1,18})"')

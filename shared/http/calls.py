"""The call that is being answered: its caller, its preconditions, and its command in one transaction."""

import hashlib
import re
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from flask import current_app, g, request

from shared.cause import Cause
from shared.errors import Invalid, PreconditionRequired, Problem
from shared.mongo.database import Database
from shared.mongo.group_commit import GroupCommit, GroupRequest
from shared.mongo.idempotency import IdempotencyKey
from shared.mongo.unit_of_work import IfMatch, UnitOfWork

P = ParamSpec("P")
R = TypeVar("R", bound=GroupRequest)
T = TypeVar("T")


def run(command: Callable[Concatenate[UnitOfWork, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `command(uow, …)`, committed in one transaction for this call.

    The call's caller is the cause, its `Idempotency-Key` makes the command's effect happen once, and its
    `If-Match` must name the version of the resource that the path's `<id>` names. Raises what the command
    and `Database.transact` raise, and PreconditionRequired (428) for a PATCH or PUT without `If-Match`.
    """
    return database().transact(
        lambda uow: command(uow, *args, **kwargs),
        cause=request_cause(),
        key=idempotency_key(),
        if_match=precondition(),
    )


def run_in_group(group: GroupCommit[R, T], identifier: str, request: R) -> T:
    """As `run`: the result of the group's command for `request`, perhaps in one transaction with other calls."""
    return group.run(identifier, request, cause=request_cause(), key=idempotency_key())


def database() -> Database:
    """The service's database."""
    return the(Database)


def the(kind: type[T]) -> T:
    """The service's object of this type: its database, its settings, or an object that it `provides`."""
    found: T = current_app.extensions["uso"][kind]
    return found


def request_cause() -> Cause:
    """The caller as the cause of the changes that the call makes."""
    cause: Cause = g.cause
    return cause


def precondition() -> IfMatch | None:
    """The versions that `If-Match` names (RFC 9110, 13.1.1); None without the header.

    Weak tags count as well, since proxies that compress weaken ours; `*` names every version. Raises
    PreconditionRequired (RFC 6585) for a PATCH or PUT without the header.
    """
    header = request.headers.get("If-Match")
    if header is None:
        if request.method in ("PATCH", "PUT"):
            raise PreconditionRequired('Send If-Match with the ETag of the version you changed, such as If-Match: "3".')
        return None
    return IfMatch(of=str((request.view_args or {}).get("id")), versions=_versions(header))


def _versions(header: str) -> frozenset[int]:
    if header.strip() == "*":
        return frozenset()
    tags = [tag.strip() for tag in header.split(",")]
    found = [_ETAG.fullmatch(tag) for tag in tags if tag]
    if not found or not all(found):
        raise Problem('If-Match must be ETags as we gave them, such as "3", or *.')
    return frozenset(int(tag[1]) for tag in found if tag)


def idempotency_key() -> IdempotencyKey | None:
    """This call's Idempotency-Key, bound to the caller, to the path and to the body; None without the header."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or not key.isprintable():
        raise Invalid({"Idempotency-Key": ["1 to 255 printable characters, such as a new UUID."]})
    fingerprint = hashlib.sha256()
    for part in (request.method, request.full_path, request.mimetype):
        fingerprint.update(part.encode() + b"\0")
    fingerprint.update(request.get_data(cache=True))
    g.idempotency_key = IdempotencyKey(id=_identity(key), fingerprint=fingerprint.hexdigest())
    found: IdempotencyKey = g.idempotency_key
    return found


def _identity(key: str) -> str:
    """The key's id, bound to its caller. All strangers are one caller, so their keys are bound to the path too."""
    actor = request_cause().actor
    scope = f"{actor}\0{request.path}" if actor == PUBLIC else actor
    return hashlib.sha256(f"{scope}\0{key}".encode()).hexdigest()


PUBLIC = "public"
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')

"""Bearer tokens: JWTs signed with a key of the JWKS, and the roles that they carry."""

import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import jwt

from shared.errors import Forbidden, Unauthorized

ALGORITHMS = ["EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
IMPLIED = {
    "viewer": frozenset({"viewer"}),
    "coordinator": frozenset({"viewer", "coordinator"}),
    "manager": frozenset({"viewer", "coordinator", "manager"}),
    "operator": frozenset({"operator"}),
}
F = TypeVar("F", bound=Callable[..., Any])


class Tokens:
    """Checks tokens (RFC 7519, RFC 8725): signature, `iss`, `aud`, `exp`, `nbf`; asymmetric algorithms only.

    `jwks` is a file's path or an http(s) URL; a file that has changed is read again.
    """

    def __init__(self, *, jwks: str, issuer: str, audience: str) -> None:
        self.issuer = issuer
        self.audience = audience
        self._path = None if jwks.startswith(("http://", "https://")) else Path(jwks)
        self._client = jwt.PyJWKClient(jwks, cache_keys=True) if self._path is None else None
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._read_at = 0
        self._verify = functools.lru_cache(maxsize=1024)(self._decode)

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a good token. Raises Unauthorized with the reason for any other."""
        self._refresh()
        try:
            claims = self._verify(token)
            if claims["exp"] <= time.time():
                raise jwt.ExpiredSignatureError("it has expired")
        except jwt.PyJWKClientConnectionError as error:
            raise Unauthorized("The signing keys cannot be read at the moment.", retry_after=5) from error
        except jwt.PyJWTError as error:
            raise Unauthorized(f"The token is not accepted: {error}.") from error
        return claims

    def _decode(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError("only asymmetric signatures are")
        if self._client is not None:
            key = self._client.get_signing_key_from_jwt(token)
        else:
            found = self._keys.get(header.get("kid")) or (
                next(iter(self._keys.values())) if len(self._keys) == 1 and not header.get("kid") else None
            )
            if found is None:
                raise jwt.InvalidKeyError("its key is not among ours")
            key = found
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            issuer=self.issuer,
            audience=self.audience,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise jwt.InvalidTokenError("`sub` is not a name")
        return claims

    def _refresh(self) -> None:
        if self._path is None:
            return
        changed_at = os.stat(self._path).st_mtime_ns
        if changed_at != self._read_at:
            keys = jwt.PyJWKSet.from_dict(json.loads(self._path.read_text())).keys
            self._keys = {key.key_id: key for key in keys}
            self._read_at = changed_at
            self._verify.cache_clear()


def roles_of(claims: dict[str, Any]) -> frozenset[str]:
    """All roles that the claim `roles` gives, those that a higher one includes too."""
    given = claims.get("roles")
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    return frozenset().union(*(IMPLIED.get(name, frozenset()) for name in names))


def needs(role: str) -> Callable[[F], F]:
    """Marks a view as open to this role; without the mark GET needs `viewer` and the rest `coordinator`."""

    def mark(view: F) -> F:
        view.needs_role = role  # type: ignore[attr-defined]
        return view

    return mark


def open_to_all(view: F) -> F:
    """Marks a view that needs no token."""
    view.needs_role = None  # type: ignore[attr-defined]
    return view


def needed_role(view: Callable[..., Any], method: str) -> str | None:
    """The role that a call of `view` needs; None: no token."""
    default = "viewer" if method in ("GET", "HEAD", "OPTIONS") else "coordinator"
    role: str | None = getattr(view, "needs_role", default)
    return role


def require(roles: frozenset[str], role: str) -> None:
    """Raises Forbidden when `role` is not among `roles`."""
    if role not in roles:
        raise Forbidden(f"This needs the role {role}. Yours: {', '.join(sorted(roles)) or 'none'}.")

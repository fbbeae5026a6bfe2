"""Bearer tokens: JWTs signed with a key of the JWKS, and the roles that they carry."""

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

import jwt

from shared.errors import Forbidden, Unauthorized
from shared.http.key_set import KeySet

ALGORITHMS = ["EdDSA", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
IMPLIED = {
    "viewer": frozenset({"viewer"}),
    "coordinator": frozenset({"viewer", "coordinator"}),
    "manager": frozenset({"viewer", "coordinator", "manager"}),
    "operator": frozenset({"operator"}),
}
# `sub` stands in every message, journal row and log line of its holder's changes (limit: OpenID Connect Core, 2).
MAX_SUB = 255
F = TypeVar("F", bound=Callable[..., Any])


class Tokens:
    """Checks tokens (RFC 7519, RFC 8725): signature, `iss`, `aud`, `exp`, `nbf`; asymmetric algorithms only.

    `jwks` is a file's path or an https URL.
    """

    def __init__(self, *, jwks: str, issuer: str, audience: str) -> None:
        self.issuer = issuer
        self.audience = audience
        self._keys = KeySet(jwks)
        self._verify = functools.lru_cache(maxsize=1024)(self._decode)

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a good token.

        Raises Unauthorized with the reason for any other, Unavailable while the keys cannot be read.
        """
        self._keys.current()
        try:
            claims = self._verify(token, self._keys.generation)
            if claims["exp"] <= time.time():
                raise jwt.ExpiredSignatureError("it has expired")
        except jwt.PyJWTError as error:
            raise Unauthorized(f"The token is not accepted: {error}.") from error
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Unauthorized("The token is not accepted: it is malformed.") from error
        return claims

    def _decode(self, token: str, generation: int) -> dict[str, Any]:
        """The token's claims. `generation` is an argument for the cache's sake: no entry outlives its key."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError("only asymmetric signatures are")
        key = self._keys.find(header.get("kid"))
        if key is None:
            raise jwt.InvalidKeyError("its key is not among ours")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            issuer=self.issuer,
            audience=self.audience,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        # PyJWT also accepts a number written as text, which is no NumericDate (RFC 7519, 2).
        if any(name in claims and type(claims[name]) not in (int, float) for name in ("exp", "nbf", "iat")):
            raise jwt.InvalidTokenError("`exp`, `nbf` and `iat` must be numbers")
        sub = claims["sub"]
        if not isinstance(sub, str) or not 1 <= len(sub) <= MAX_SUB or not sub.isprintable():
            raise jwt.InvalidTokenError(f"`sub` must be 1 to {MAX_SUB} printable characters")
        return claims


def roles_of(claims: dict[str, Any]) -> frozenset[str]:
    """All roles that the claim `roles` gives, with the roles that a higher role includes."""
    given = claims.get("roles")
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    return frozenset().union(*(IMPLIED.get(name, frozenset()) for name in names))


def needs(role: str) -> Callable[[F], F]:
    """Marks a view as open to this role. Without the mark GET needs `viewer`, every other method `coordinator`."""

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

"""Sealed texts, signed links and keyed hashes.

Sealing and signing have keys of their own, so that a leaked signing key can be retired at once while sealed texts still
open. In each list the first key writes, and all keys read.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from itsdangerous import BadSignature, Serializer, URLSafeSerializer
from itsdangerous.encoding import base64_encode

from shared.errors import Gone, NotFound
from shared.ids import utc_now

LINK_GRACE = timedelta(
    days=30
)  # A link ends this long after the event or the like that it is about, so that people can still give feedback.


class Secrets:
    """`sealing_keys` and `signing_keys` are Fernet keys (32 bytes, URL-safe base64), the newest first."""

    def __init__(self, *, sealing_keys: Sequence[str], signing_keys: Sequence[str]) -> None:
        self._sealing_keys = list(sealing_keys)
        self._signing_keys = list(signing_keys)
        self._fernets = [Fernet(key) for key in sealing_keys]

    @property
    def sealing_key_id(self) -> str:
        """A name of the newest sealing key that does not reveal the key."""
        return hmac.digest(self._sealing_keys[0].encode(), b"sealing key id", hashlib.sha256).hex()[:16]

    def seal(self, text: str) -> str:
        """`text` encrypted and authenticated (Fernet)."""
        return self._fernets[0].encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """The sealed text. Raises ValueError when none of the sealing keys sealed it."""
        try:
            return MultiFernet(self._fernets).decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise ValueError("not sealed with one of our keys") from error

    def reseal(self, sealed: str) -> str:
        """The same text sealed with the newest key; `sealed` itself when that key sealed it.

        Raises ValueError when none of the sealing keys sealed it.
        """
        try:
            self._fernets[0].decrypt(sealed.encode())
        except InvalidToken:
            return self.seal(self.unseal(sealed))
        return sealed

    def sign(self, purpose: str, identifier: str, *, expires_at: datetime | None) -> str:
        """A token for a link: it names `identifier`, is valid for `purpose` only, and ends at `expires_at`."""
        ends = None if expires_at is None else int(expires_at.timestamp())
        return str(self._serializer(purpose).dumps([identifier, ends]))

    def unsign(self, purpose: str, token: str) -> str:
        """The identifier that `sign` was given.

        Raises NotFound for a token that we did not sign for this purpose, Gone for an expired token.
        """
        try:
            payload = self._serializer(purpose).loads(token)
        except BadSignature as error:
            raise NotFound("link", "in this address") from error
        # Links in mails of version 0.1.0 hold the identifier alone; those to unsubscribe must go on working.
        identifier, ends = (payload, None) if isinstance(payload, str) else payload
        if ends is not None and datetime.fromtimestamp(ends, UTC) <= utc_now():
            raise Gone("This link has ended.")
        return str(identifier)

    def fingerprints(self, purpose: str, text: str) -> list[str]:
        """Keyed hashes (HMAC-SHA256) that find `text` again without revealing it, one for each sealing key.

        Keep all of them: while a key is replaced, the old and the new fingerprints of a text share one.
        """
        keys = self._sealing_keys
        return [hmac.digest(key.encode(), f"{purpose}\0{text}".encode(), hashlib.sha256).hex() for key in keys]

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        # itsdangerous signs with the last key of its list and accepts all of them.
        return _Links(self._signing_keys[::-1], salt=purpose)


class _Links(URLSafeSerializer):
    """It does not try whether a payload gets shorter by compression: a few dozen bytes never do, and it takes long."""

    def dump_payload(self, obj: object) -> bytes:
        return bytes(base64_encode(Serializer.dump_payload(self, obj)))

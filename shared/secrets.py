"""Sealed texts, signed links and keyed hashes. Keys can be changed: the first one writes, all of them read."""

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from itsdangerous import BadSignature, URLSafeSerializer

from shared.errors import NotFound


class Secrets:
    """`keys` are Fernet keys (32 bytes, URL-safe base64)."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str) -> str:
        """`text` encrypted and authenticated."""
        return self._fernet.encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """What was sealed. Raises ValueError when it was not sealed with one of the keys."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise ValueError("not sealed with one of our keys") from error

    def sign(self, purpose: str, identifier: str) -> str:
        """An opaque token for a link: it names `identifier` and is good for `purpose` only."""
        return str(URLSafeSerializer(self._keys[0], salt=purpose).dumps(identifier))

    def unsign(self, purpose: str, token: str) -> str:
        """The identifier that `sign` was given. Raises NotFound for a token that we did not make."""
        for key in self._keys:
            try:
                return str(URLSafeSerializer(key, salt=purpose).loads(token))
            except BadSignature:
                continue
        raise NotFound("link", "in this address")

    def fingerprints(self, purpose: str, text: str) -> list[str]:
        """Keyed hashes (HMAC-SHA256) that find `text` again without telling it, one for each key.

        Keep all of them: while a key is being replaced, old and new fingerprints of a text have one in common.
        """
        return [hmac.digest(key.encode(), f"{purpose}\0{text}".encode(), hashlib.sha256).hex() for key in self._keys]

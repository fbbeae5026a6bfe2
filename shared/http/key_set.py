"""The public keys that check tokens: a JWKS file or https URL (RFC 7517), read again when it changes."""

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jwt

from shared.errors import Unavailable
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

# A key is accepted for at most this time after the issuer removed it from the set at its URL.
REFRESH_SECONDS = 300.0
# A token may name a key newer than our set. Strangers' tokens must not make us ask the issuer more often than this.
UNKNOWN_KEY_SECONDS = 10.0
# After a failure the source is asked again after the first figure; the last keys are used until the second.
RETRY_SECONDS = 2.0
GRACE_SECONDS = 600.0
FETCH_SECONDS = 3.0

Keys = Mapping[str | None, jwt.PyJWK]


class KeySet:
    """The keys of `source`, a file's path or an https URL. Usable from several threads.

    A file is checked for each token, a URL after five minutes or for an unknown key. While the source cannot be
    read, the last keys stay valid for ten more minutes. `generation` changes with the keys.
    """

    def __init__(self, source: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.generation = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._text = ""
        self._asked_at = self._read_at = float("-inf")
        self._stamp: object = None
        self._failed = False
        self._path = None if source.startswith("https://") else Path(source)
        self._client = jwt.PyJWKClient(source, cache_jwk_set=False, timeout=FETCH_SECONDS) if not self._path else None

    def current(self) -> Keys:
        """The present keys, by `kid`. Raises Unavailable (503) when they were never read, or too long ago."""
        if self._path:
            self._refresh(due=self._retry_is_due() if self._failed else self._stamp_of(self._path) != self._stamp)
        else:
            wait = RETRY_SECONDS if self._failed else REFRESH_SECONDS
            self._refresh(due=self._clock() - self._asked_at >= wait)
        if self._keys is None or (self._failed and self._clock() - self._read_at > GRACE_SECONDS):
            raise Unavailable("The keys that tokens are signed with cannot be read at the moment.", retry_after=2)
        return self._keys

    def find(self, kid: str | None) -> jwt.PyJWK | None:
        """The key of this name; the only key when a token names none."""
        key = self._pick(self.current(), kid)
        if key is None and self._client and self._clock() - self._asked_at >= UNKNOWN_KEY_SECONDS:
            self._refresh(due=True)
            key = self._pick(self.current(), kid)
        return key

    @staticmethod
    def _pick(keys: Keys, kid: str | None) -> jwt.PyJWK | None:
        if kid is None and len(keys) == 1:
            return next(iter(keys.values()))
        return keys.get(kid)

    def _retry_is_due(self) -> bool:
        return self._keys is None or self._clock() - self._asked_at >= RETRY_SECONDS

    @staticmethod
    def _stamp_of(path: Path) -> object:
        try:
            state = os.stat(path)
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino

    def _refresh(self, *, due: bool) -> None:
        """Reads the source if that is due. Other threads meanwhile use the present keys."""
        if not due or not self._lock.acquire(blocking=self._keys is None):
            return
        try:
            self._asked_at = self._clock()
            stamp = self._stamp_of(self._path) if self._path else None
            try:
                keys, text = self._read()
            except (OSError, ValueError, TypeError, AttributeError, RecursionError, jwt.PyJWTError) as error:
                if not self._failed:
                    log.warning("the keys of tokens cannot be read", error=type(error).__name__)
                self._failed = True
                return
            self._failed, self._read_at, self._stamp = False, self._clock(), stamp
            if text != self._text or self._keys is None:
                self._keys, self._text = keys, text
                self.generation += 1
        finally:
            self._lock.release()

    def _read(self) -> tuple[Keys, str]:
        document: Any = json.loads(self._path.read_text()) if self._path else self._fetch()
        # PyJWT refuses an empty set; it is how an issuer withdraws all keys.
        keys = [] if document["keys"] == [] else jwt.PyJWKSet.from_dict(document).keys
        return {key.key_id: key for key in keys}, json.dumps(document, sort_keys=True)

    def _fetch(self) -> Any:
        assert self._client is not None
        return self._client.fetch_data()

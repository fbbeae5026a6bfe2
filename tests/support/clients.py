"""An HTTP client for a Flask app under test, with tokens of every role."""

import json
import time
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from werkzeug.test import TestResponse

ISSUER = "https://login.uso.example"
AUDIENCE = "uso-crm"


class Keys:
    """A signing key whose public half stands in `jwks`."""

    def __init__(self, directory: Path, *, kid: str = "test") -> None:
        self._kid = kid
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key()))
        self.jwks = directory / "jwks.json"
        self.jwks.write_text(json.dumps({"keys": [{**public, "kid": kid, "alg": "ES256", "use": "sig"}]}))

    def token(self, role: str, *, sub: str | None = None, **claims: Any) -> str:
        """A token of that role for `sub` (`test-<role>`), good for an hour; `claims` replace the usual ones."""
        now = int(time.time())
        usual = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": f"test-{role}" if sub is None else sub,
            "roles": [role],
            "nbf": now - 5,
            "exp": now + 3600,
        }
        payload = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(payload, self._key, algorithm="ES256", headers={"kid": self._kid})


class Client:
    """Calls a Flask app without a network in between, from an address of its own; usable from several threads."""

    _addresses = count(1)

    def __init__(self, app: Flask, keys: Keys) -> None:
        self.app = app
        self.keys = keys
        self._tokens: dict[str, str] = {}
        self._address = str(IPv4Address("10.0.0.0") + next(self._addresses))

    def call(
        self, method: str, path: str, *, role: str | None = "coordinator", headers: Any = None, **options: Any
    ) -> TestResponse:
        """One request with a token of `role`; None sends no token."""
        sent = dict(headers or {})
        if role is not None:
            if role not in self._tokens:
                self._tokens[role] = self.keys.token(role)
            sent.setdefault("Authorization", f"Bearer {self._tokens[role]}")
        options.setdefault("environ_base", {"REMOTE_ADDR": self._address})
        return self.app.test_client().open(path, method=method, headers=sent, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.call("POST", path, **options)

    def patch(self, path: str, **options: Any) -> TestResponse:
        return self.call("PATCH", path, **options)

    def put(self, path: str, **options: Any) -> TestResponse:
        return self.call("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.call("DELETE", path, **options)

"""The signing key of a local stack, and tokens made with it."""

import json
import os
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ISSUER = "https://login.uso.example"
AUDIENCE = "uso-crm"
ROLES = ("viewer", "coordinator", "manager", "operator")
LIFETIME_SECONDS = 30 * 24 * 60 * 60


def ensure_key(directory: Path) -> Path:
    """Makes the key once for this directory; returns the path of the public `jwks.json`."""
    private, public = directory / "signing-key.pem", directory / "jwks.json"
    if not private.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        write_secret(
            private,
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode(),
        )
        jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
        public.write_text(json.dumps({"keys": [{**jwk, "kid": "local", "alg": "ES256", "use": "sig"}]}))
    return public


def make_token(directory: Path, role: str, sub: str | None = None) -> str:
    """A token of this role, good for 30 days."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": sub or f"demo-{role}",
        "roles": [role],
        "iat": now,
        "nbf": now - 5,
        "exp": now + LIFETIME_SECONDS,
    }
    key = (directory / "signing-key.pem").read_text()
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": "local"})


def write_secret(file: Path, text: str) -> None:
    """Writes a file that only its owner can read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)

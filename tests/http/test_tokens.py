"""Tokens: which are taken, and how all others are refused (RFC 7519, RFC 8725)."""

import base64
import hmac
import json
import re
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from tests.http.conftest import Api
from tests.support import Keys, wait_for
from tests.support.clients import AUDIENCE, ISSUER


def call(api: Api, authorization: str | None) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return api.client.get(api.example.collection, role=None, headers=headers)


def assert_refused(answer: Any) -> None:
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "kaisa", "roles": ["manager"], "exp": now + 60} | changes


def unsigned(header: dict[str, Any], signature: str = "") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims())]
    return ".".join([*parts, signature])


def test_a_good_token_is_taken(api: Api) -> None:
    token = api.client.keys.token("viewer")
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert call(api, f"{scheme} {token}").status_code == 200


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer  ", "Basic YWlubzphaW5v", "Token x", "\x80"])
def test_no_token_is_refused(api: Api, authorization: str | None) -> None:
    assert_refused(call(api, authorization))


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "..", "eyJhbGciOiJFUzI1NiJ9.e30.", "🙈".encode().decode("latin-1"), "x" * 9000]
)
def test_garbage_is_refused(api: Api, token: str) -> None:
    assert_refused(call(api, f"Bearer {token}"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"exp": int(time.time()) - 1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": str(int(time.time()) + 3600)},
        {"exp": True},
        {"exp": 1e999},
        {"exp": [int(time.time()) + 3600]},
        {"nbf": "0"},
        {"iat": "0"},
        {"nbf": int(time.time()) + 3600},
        {"iss": "https://login.elsewhere.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another", "still"]},
        {"aud": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "k" * 256},
        {"sub": "kai\0sa"},
        {"sub": "kai\nsa"},
        {"sub": "kai\u202esa"},
        {"sub": ["kaisa"]},
    ],
    ids=lambda claims: re.sub(r"\d{10}", "a time", str(claims)),
)
def test_a_token_that_is_not_for_us_now_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    assert_refused(call(api, f"Bearer {api.client.keys.token('viewer', **wrong)}"))


def test_a_token_for_several_audiences_is_taken(api: Api) -> None:
    assert call(api, f"Bearer {api.client.keys.token('viewer', aud=['another', AUDIENCE])}").status_code == 200


def test_a_token_expires_although_it_was_taken_before(api: Api) -> None:
    token = api.client.keys.token("viewer", exp=int(time.time()) + 2)
    assert call(api, f"Bearer {token}").status_code == 200
    wait_for(lambda: call(api, f"Bearer {token}").status_code != 200, seconds=10)
    assert_refused(call(api, f"Bearer {token}"))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "HS256", "HS512"])
def test_a_token_without_an_asymmetric_signature_is_refused(api: Api, algorithm: str) -> None:
    for kid in ({}, {"kid": "test"}):
        for signature in ("", "c2lnbmF0dXJl"):
            assert_refused(call(api, f"Bearer {unsigned({'alg': algorithm, 'typ': 'JWT', **kid}, signature)}"))


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(api: Api) -> None:
    public = (
        jwt.PyJWKSet.from_json(api.client.keys.jwks.read_text())
        .keys[0]
        .key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    for secret in (public, api.client.keys.jwks.read_bytes()):
        signed = unsigned({"alg": "HS256", "kid": "test"}).rstrip(".")
        signature = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).decode().rstrip("=")
        assert_refused(call(api, f"Bearer {signed}.{signature}"))


def test_a_token_of_another_key_is_refused_whatever_it_calls_itself(api: Api, tmp_path: Path) -> None:
    stranger = Keys(tmp_path)
    assert_refused(call(api, f"Bearer {stranger.token('manager')}"))
    tampered = api.client.keys.token("viewer").split(".")
    tampered[1] = base64.urlsafe_b64encode(json.dumps(claims()).encode()).decode().rstrip("=")
    assert_refused(call(api, f"Bearer {'.'.join(tampered)}"))

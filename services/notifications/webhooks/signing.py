"""A webhook's secrets, and the headers by which its endpoint knows that a call is ours (Standard Webhooks)."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from standardwebhooks import Webhook

from shared.cloudevents import CONTENT_TYPE

SECRET_BYTES = 32  # Standard Webhooks: between 24 and 64


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(of: Sequence[str], *, message_id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers of a call at the moment `at`, signed with each of the secrets: two while one replaces the other."""
    text = body.decode()
    return {
        "Content-Type": CONTENT_TYPE,
        "User-Agent": "uso-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, at, text) for secret in of),
    }

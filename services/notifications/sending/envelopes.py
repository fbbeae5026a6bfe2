"""The envelope sender of each mail: its own address for bounces, which names the delivery and is signed."""

import hmac
import re

from shared.secrets import Secrets

PURPOSE = "bounce"
# Twelve hexadecimal digits are 48 bits: nobody guesses one, and the local part stays below its 64 octets.
SIGNATURE_DIGITS = 12
_TOKEN = re.compile(r"\+([0-9a-f]{32})([0-9a-f]{12})@", re.IGNORECASE)


def bounce_address(secrets: Secrets, bounces_to: str, delivery_id: str) -> str:
    """`bounces+<delivery><signature>@example.org` for the mailbox `bounces@example.org`."""
    local, _, domain = bounces_to.rpartition("@")
    token = delivery_id.replace("-", "")
    return f"{local}+{token}{_signatures(secrets, token)[0]}@{domain}"


def delivery_in(secrets: Secrets, text: str) -> str | None:
    """The delivery that the first address of ours in the text names; None without one that we have signed."""
    for token, signature in _TOKEN.findall(text):
        wanted = token.lower()
        if any(hmac.compare_digest(signature.lower(), made) for made in _signatures(secrets, wanted)):
            parts = (wanted[:8], wanted[8:12], wanted[12:16], wanted[16:20], wanted[20:])
            return "-".join(parts)
    return None


def _signatures(secrets: Secrets, token: str) -> list[str]:
    return [made[:SIGNATURE_DIGITS] for made in secrets.fingerprints(PURPOSE, token)]

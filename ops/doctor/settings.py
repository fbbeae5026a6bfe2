"""The examination of settings that are valid but unwise, and of the keys that check tokens."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from ops.context import OpsContext
from ops.doctor.findings import Finding, advice, wrong
from shared.errors import Unavailable
from shared.http.key_set import KeySet
from shared.settings import LINK_SERVICES

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def settings(context: OpsContext) -> Iterator[Finding]:
    given = context.settings
    try:
        KeySet(given.jwks).current()
    except Unavailable:
        yield wrong(
            "The keys that tokens are checked with cannot be read: nobody can log in.",
            "Look at JWKS, and whether this service reaches the issuer.",
        )
    if given.kafka_security_protocol == "PLAINTEXT" and any(map(_is_elsewhere, given.kafka_bootstrap_servers)):
        yield advice(
            "Messages go to Kafka unencrypted, and it takes anybody who reaches it.",
            "Set KAFKA_SECURITY_PROTOCOL=SASL_SSL with a user for each kind of process.",
        )
    if given.sealing_keys and set(given.sealing_keys) & set(given.signing_keys):
        yield advice(
            "One key both seals personal data and signs links: neither can be retired alone.",
            "Give SIGNING_KEYS a key of its own, with the shared one behind it until its links have ended.",
        )
    if context.service in LINK_SERVICES:
        for service in LINK_SERVICES:
            yield from _public_address(service, given.public_urls[service])


def _public_address(service: str, url: str) -> Iterator[Finding]:
    name = f"PUBLIC_URL_{service.upper()}"
    if not url:
        yield wrong(f"{name} is empty: e-mails have no links.", f"Set {name} to the address that people reach.")
    elif url.startswith("http://") and urlsplit(url).hostname not in LOOPBACK:
        yield advice(f"{name} is no https address: links in e-mails can be read on the way.", "Give an https address.")


def _is_elsewhere(address: str) -> bool:
    return address.rpartition(":")[0].strip("[]") not in LOOPBACK

"""The expiry of the certificates of the servers that a service talks to."""

import socket
import ssl
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

from ops.context import OpsContext
from ops.doctor.findings import Finding, advice, wrong
from shared.ids import utc_now

# Certificates are renewed a month ahead. In the last week an operator must find out why this one was not.
ADVICE_DAYS = 30
WRONG_DAYS = 7
ANSWER_SECONDS = 3.0


def certificates(context: OpsContext) -> Iterator[Finding]:
    for server, address in _tls_servers(context):
        host, _, port = address.rpartition(":")
        try:
            until = valid_until(host.strip("[]"), int(port))
        except (OSError, ValueError) as error:
            what = f"{server} at {address} shows no certificate ({type(error).__name__})."
            yield wrong(what, "Look whether it runs, and whether it speaks TLS on this port.")
            continue
        days = (until - utc_now()).total_seconds() / 86_400
        what = f"The certificate of {server} at {address} ends on {until:%Y-%m-%d} ({days:.0f} days)."
        if days < ADVICE_DAYS:
            finding = wrong if days < WRONG_DAYS else advice
            yield finding(what, "Renew it; clients take the new one when they connect again.")


def valid_until(host: str, port: int) -> datetime:
    """The end of the certificate that the server shows. Raises OSError, ValueError."""
    # Only the date is read, of an expired certificate too: the service's clients check whether to trust it.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=ANSWER_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        shown = secured.getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(shown or b"").not_valid_after_utc


def _tls_servers(context: OpsContext) -> Iterator[tuple[str, str]]:
    if context.settings.kafka_security_protocol.endswith("SSL"):
        for address in context.settings.kafka_bootstrap_servers:
            yield "Kafka", address
    # What pymongo has read from the URI; an encrypted connection has a context.
    if context.db.client.options.pool_options._ssl_context is not None:
        for host, port in sorted(context.db.client.nodes):
            yield "MongoDB", f"{host}:{port}"
    jwks = urlsplit(context.settings.jwks)
    if jwks.scheme == "https":
        yield "the issuer of tokens", f"{jwks.hostname}:{jwks.port or 443}"

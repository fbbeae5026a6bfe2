"""An authority of the run directory's own, and the certificate that all of its servers show."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.local.ports import HOST
from deploy.local.tokens import write_secret

VALID_DAYS = 365
# Made anew at a start, long before a server that runs for weeks would outlive it.
RENEWED_DAYS = 60
# Kafka's name for whoever shows this certificate: its brokers among themselves.
SERVER_NAME = "kafka"


@dataclass(frozen=True)
class Certificates:
    """Files: `authority` for clients to trust; `server` with key, certificate and authority, for its owner only."""

    directory: Path

    @property
    def authority(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def server(self) -> Path:
        return self.directory / "server.pem"

    def ensure(self) -> None:
        """Makes both, unless they are there and good for two months more."""
        self.directory.mkdir(mode=0o700, exist_ok=True)
        if self.server.exists() and self._days_left() > RENEWED_DAYS:
            return
        authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        authority = _certificate("USO local authority", authority_key, signer=authority_key, issuer=None)
        server = _certificate(SERVER_NAME, key, signer=authority_key, issuer=authority)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # The authority's key is kept nowhere: nobody can sign another certificate that this stack's clients trust.
        write_secret(self.server, "".join(part.decode() for part in (secret, _pem(server), _pem(authority))))
        self.authority.write_bytes(_pem(authority))

    def _days_left(self) -> float:
        shown = x509.load_pem_x509_certificates(self.server.read_bytes())[0]
        return (shown.not_valid_after_utc - dt.datetime.now(dt.UTC)) / dt.timedelta(days=1)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    *,
    signer: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
) -> x509.Certificate:
    """A certificate for `key`; an authority's own when there is no issuer."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    is_authority = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # for a client whose clock is late
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_usage(is_authority=is_authority), critical=True)
    )
    if not is_authority:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)

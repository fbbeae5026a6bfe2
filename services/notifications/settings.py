"""Settings that only notifications has: how mail leaves, and in whose name."""

from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from environs import Env, EnvError, validate

from shared.settings import checked

DEFAULT_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, kw_only=True)
class SmtpServer:
    """Where mail is handed over. `tls` from the first byte on, or after STARTTLS; at most one of them."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: bool = False
    starttls: bool = False


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """`sender` is a whole From header, `domain` the right side of Message-IDs and calendar UIDs."""

    smtp: SmtpServer
    sender: str
    domain: str
    network_name: str
    sender_threads: int


def read_mail_settings(env: Env | None = None) -> MailSettings:
    """Reads and checks the environment. Raises SystemExit with a sentence that names what is wrong."""
    env = env or Env()

    def read() -> MailSettings:
        sender = env.str("MAIL_FROM", "USO <uso@network.example>")
        address = parseaddr(sender)[1]
        if "@" not in address:
            raise EnvError('Environment variable "MAIL_FROM" invalid: give an address such as "USO <uso@example.org>"')
        return MailSettings(
            smtp=parse_smtp_url(env.str("SMTP_URL")),
            sender=sender,
            domain=env.str("MAIL_DOMAIN", address.rpartition("@")[2]),
            network_name=env.str("NETWORK_NAME", "USO"),
            sender_threads=env.int("SENDER_THREADS", 2, validate=validate.Range(min=1, max=32)),
        )

    return checked(read)


def parse_smtp_url(url: str) -> SmtpServer:
    """`smtp[s]://[user:password@]host[:port][?starttls]`. Raises EnvError for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise EnvError('Environment variable "SMTP_URL" invalid: the port is not a number') from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise EnvError('Environment variable "SMTP_URL" invalid: write it as smtp://host:port or smtps://host:port')
    starttls = "starttls" in parse_qs(parts.query, keep_blank_values=True)
    if starttls and parts.scheme == "smtps":
        raise EnvError('Environment variable "SMTP_URL" invalid: smtps:// needs no starttls')
    return SmtpServer(
        host=parts.hostname,
        port=port or DEFAULT_PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "smtps",
        starttls=starttls,
    )

"""Settings of notifications alone: the mail server and the sender of mails."""

from dataclasses import dataclass
from email.utils import parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from dkim.crypto import UnparsableKeyError, parse_pem_private_key
from environs import Env, EnvError, ValidationError, validate

from services.notifications.sending.allow_list import EVERYBODY, AllowList
from services.notifications.sending.quiet_hours import MailHours
from shared.environment import FromEnvironment, setting

# 64 octets (RFC 5321, 4.5.3.1.1) without the tag.
MAX_BOUNCES_LOCAL = 19
DEFAULT_PORTS = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True, kw_only=True)
class SmtpServer:
    """The mail server. TLS starts with the first byte (`tls`) or after STARTTLS; at most one of the two is set."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: bool = False
    starttls: bool = False


def parse_sender(text: str) -> str:
    """A whole From header. Raises EnvError when it holds no address."""
    if "@" not in parseaddr(text)[1]:
        raise EnvError('Environment variable "MAIL_FROM" invalid: give an address such as "USO <uso@example.org>"')
    return text


def is_dkim_key(pem: str) -> None:
    """Raises ValidationError for what is no key to sign with."""
    try:
        if pem:
            parse_pem_private_key(pem.encode())
    except (UnparsableKeyError, ValueError) as error:
        raise ValidationError("give an RSA private key in PEM") from error


def no_plus(address: str) -> None:
    """Raises ValidationError for what is no address that a tag can be added to."""
    local, at, domain = address.rpartition("@")
    if address and (not at or not domain or not local or "+" in local or len(local) > MAX_BOUNCES_LOCAL):
        raise ValidationError("give an address without +, such as bounces@example.org")


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
    if parts.username and parts.scheme != "smtps" and not starttls:
        raise EnvError(
            'Environment variable "SMTP_URL" invalid: a password must not travel in clear; write smtps:// or ?starttls'
        )
    return SmtpServer(
        host=parts.hostname,
        port=port or DEFAULT_PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "smtps",
        starttls=starttls,
    )


@dataclass(frozen=True, kw_only=True)
class RecipientSettings(FromEnvironment):
    """To whom mail may go, which the api tells as well."""

    allow_list: AllowList = setting(
        "MAIL_ALLOW_LIST",
        EVERYBODY,
        parse=lambda text: AllowList.parse(text.split(",")),
        about="on a system for trying things out: the addresses and domains, with commas, that get mail; all others "
        "get nothing (`not_on_allow_list`)",
    )


@dataclass(frozen=True, kw_only=True)
class MailSettings(RecipientSettings):
    """`sender` is a whole From header, `domain` the right side of Message-IDs and calendar UIDs."""

    smtp: SmtpServer = setting(
        "SMTP_URL",
        secret=True,
        parse=parse_smtp_url,
        example=SmtpServer(host="127.0.0.1", port=25),
        about="`smtp[s]://[user:password@]host[:port][?starttls]`",
    )
    sender: str = setting("MAIL_FROM", "USO <uso@network.example>", parse=parse_sender, about="the sender")
    domain: str = setting(
        "MAIL_DOMAIN", "", about="the right side of Message-IDs; that of `MAIL_FROM` when it is empty"
    )
    network_name: str = setting("NETWORK_NAME", "USO", about="the network's name in the texts")
    sender_threads: int = setting(
        "SENDER_THREADS",
        2,
        check=validate.Range(min=1, max=32),
        about="how many mails are handed over at the same time",
    )
    in_doubt: int = setting(
        "MAILS_IN_DOUBT",
        20,
        check=validate.Range(min=1, max=100),
        about="how many e-mails of one thread may have an unknown outcome, and are sent again, when a worker dies: so "
        "many are noted as handed over at once. Urgent ones (confirmations, cancellations) are always noted one by one",
    )
    bounces_to: str = setting(
        "MAIL_BOUNCES_TO",
        "",
        check=no_plus,
        about="the mailbox for bounces (`bounces@example.org`): each mail gets an envelope sender of its own there "
        "(`bounces+…@example.org`); without it bounces go to `MAIL_FROM`",
    )
    bounces_folder: str = setting(
        "MAIL_BOUNCES_FOLDER",
        "",
        about="a Maildir that the mail server puts that mailbox's mail into; it is read and emptied",
    )
    dkim_key: str = setting(
        "DKIM_KEY",
        "",
        secret=True,
        check=is_dkim_key,
        about="a private RSA key (PEM) that each mail is signed with by DKIM, where the relay does not do it",
    )
    dkim_selector: str = setting("DKIM_SELECTOR", "uso", about="the name of its public half in the name server")
    mails_a_minute: int = setting(
        "SMTP_MAILS_A_MINUTE",
        0,
        check=validate.Range(min=0),
        about="how many mails the server gets in a minute at the most; 0 for no limit. After 421 or 4.7.x it gets half "
        "for ten minutes",
    )
    mails_a_day: int = setting(
        "SMTP_MAILS_A_DAY", 0, check=validate.Range(min=0), about="and in a day (UTC); 0 for no limit"
    )
    gather_changes_seconds: float = setting(
        "GATHER_CHANGES_SECONDS",
        120.0,
        check=validate.Range(min=0, max=3600),
        about="an event's changes within so many seconds make one e-mail that tells all of them",
    )
    optional_hours: MailHours | None = setting(
        "OPTIONAL_MAIL_HOURS",
        MailHours(opens=7, closes=20),
        parse=MailHours.parse,
        about="when announcements, reminders and requests for feedback leave, on working days in Finland (`7-20`); "
        "empty for always",
    )
    text_days: int = setting(
        "MAIL_TEXT_DAYS",
        90,
        check=validate.Range(min=1, max=3650),
        about="days for which subjects and texts of e-mails are kept; the deliveries stay",
    )

    def __post_init__(self) -> None:
        if not self.domain:
            object.__setattr__(self, "domain", parseaddr(self.sender)[1].rpartition("@")[2])


def read_mail_settings(env: Env | None = None) -> MailSettings:
    """Reads and checks the environment. Raises SystemExit with a sentence that names what is wrong."""
    return MailSettings.read(env)

"""Settings that every process has, read once from the environment."""

import os
import socket
from dataclasses import dataclass

from cryptography.fernet import Fernet
from environs import Env, EnvError, ValidationError, validate

from shared.environment import setting
from shared.kafka_settings import KafkaSettings
from shared.trusted_proxies import TrustedProxies

SERVICES = ("enrolment", "events", "notifications")
LINK_SERVICES = (
    "events",
    "notifications",
)  # The services that seal strangers' personal data and sign the links in e-mails.


def fernet_keys(text: str) -> list[str]:
    """The keys of a comma-separated list. Raises EnvError for a key that is no Fernet key, without quoting it."""
    keys = [key.strip() for key in text.split(",") if key.strip()]
    for number, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError as error:
            raise EnvError(
                f"Key {number} of SEALING_KEYS or SIGNING_KEYS is no Fernet key (32 random bytes in URL-safe base64)"
            ) from error
    return keys


def not_http(jwks: str) -> None:
    """Raises ValidationError for a source whose keys a stranger on the network could replace."""
    if "://" in jwks and not jwks.startswith("https://"):
        raise ValidationError("give a file or an https URL")


def proxies(text: str) -> None:
    """Raises ValidationError for a text that names no proxies."""
    try:
        TrustedProxies.parse(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error


@dataclass(frozen=True, kw_only=True)
class Settings(KafkaSettings):
    """The settings that every process has. docs/configuration.md is made from these lines."""

    service: str
    process_name: str = setting(
        "PROCESS_NAME",
        "",
        about="in logs, as Kafka's client id, and as the lease's holder: another one for each process; "
        "`<service>-<host>-<process id>` when it is empty",
    )
    mongodb_uri: str = setting(
        "MONGODB_URI",
        secret=True,
        example="",
        about="a replica set; the user may read and write the service's own database",
    )
    mongodb_database: str = setting("MONGODB_DATABASE", "", about="`uso_<service>` when it is empty")
    http_host: str = setting("HTTP_HOST", "127.0.0.1", about="the address where the api listens")
    http_port: int = setting("HTTP_PORT", 8080, check=validate.Range(min=0, max=65535), about="and its port")
    http_workers: int = setting("HTTP_WORKERS", 1, check=validate.Range(min=1), about="gunicorn's processes")
    http_threads: int = setting("HTTP_THREADS", 16, check=validate.Range(min=1), about="threads in each of them")
    admin_host: str = setting(
        "ADMIN_HOST",
        "127.0.0.1",
        about="where the process's own `/metrics`, `/healthz` and `/readyz` are",
    )
    admin_port: int = setting(
        "ADMIN_PORT", 0, check=validate.Range(min=0, max=65535), about="their port; 0 takes a free one"
    )
    jwks: str = setting(
        "JWKS",
        check=not_http,
        example="jwks.json",
        about="the public keys that tokens are checked with: a file (read again when it changes) or an https URL",
    )
    jwt_issuer: str = setting("JWT_ISSUER", example="https://login.uso.example", about="what a token's `iss` must be")
    jwt_audience: str = setting("JWT_AUDIENCE", example="uso-crm", about="what a token's `aud` must be or name")
    sealing_keys: list[str] = setting(
        "SEALING_KEYS",
        [],
        secret=True,
        needed_by=LINK_SERVICES,
        parse=fernet_keys,
        about="Fernet keys, comma-separated: the first encrypts personal data of people who are no contacts, all of "
        "them decrypt. The same for events and notifications; enrolment needs none",
    )
    signing_keys: list[str] = setting(
        "SIGNING_KEYS",
        [],
        secret=True,
        needed_by=LINK_SERVICES,
        parse=fernet_keys,
        about="keys of the same form, comma-separated: the first signs the links in e-mails, all of them are accepted. "
        "The same for events and notifications; enrolment needs none",
    )
    public_url_enrolment: str = setting("PUBLIC_URL_ENROLMENT", "", about="where people reach enrolment")
    public_url_events: str = setting(
        "PUBLIC_URL_EVENTS", "", about="where people reach events: for the links in e-mails"
    )
    public_url_notifications: str = setting(
        "PUBLIC_URL_NOTIFICATIONS", "", about="where people reach notifications: for the links in e-mails"
    )
    trusted_proxies: str = setting(
        "TRUSTED_PROXIES",
        "",
        check=proxies,
        about="the proxies in front, whose `X-Forwarded-For` is believed: their addresses and networks with commas "
        "(`10.0.0.0/8,::1`), or how many of them each request passes (`1`); without it the header is ignored",
    )
    log_level: str = setting(
        "LOG_LEVEL",
        "INFO",
        check=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]),
        about="`DEBUG`, `INFO`, `WARNING` or `ERROR`",
    )
    otlp_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        about="where traces go by OTLP over HTTP, such as `http://collector:4318`; nowhere when it is empty",
    )
    max_body_bytes: int = setting(
        "MAX_BODY_BYTES",
        1_000_000,
        check=validate.Range(min=1000),
        about="the largest JSON body; tables may have 16 MB",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        usual = {
            # Two relays of one name would both believe that they lead, and fence each other without end.
            "process_name": f"{self.service}-{socket.gethostname()}-{os.getpid()}",
            "mongodb_database": f"uso_{self.service}",
        }
        for name, derived in usual.items():
            if not getattr(self, name):
                object.__setattr__(self, name, derived)  # the way to set a field of a frozen dataclass

    @property
    def public_urls(self) -> dict[str, str]:
        """The public address of each service; empty when it is not set."""
        return {name: getattr(self, f"public_url_{name}") for name in SERVICES}


def read_settings(service: str, env: Env | None = None) -> Settings:
    """Reads and checks the environment. Raises SystemExit with a sentence that names the wrong variable."""
    return Settings.read(env, service=service)

"""Settings that every process has, read once from the environment."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from environs import Env, EnvError, validate

T = TypeVar("T")

DEFAULT_PARTITIONS = 6


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a process needs to know of its surroundings; docs/configuration.md lists all of it."""

    service: str
    process_name: str
    mongodb_uri: str
    mongodb_database: str
    kafka_bootstrap_servers: list[str]
    kafka_replication_factor: int
    kafka_partitions: int
    http_host: str
    http_port: int
    http_workers: int
    http_threads: int
    admin_host: str
    admin_port: int
    jwks: str
    jwt_issuer: str
    jwt_audience: str
    secret_keys: list[str]
    public_urls: dict[str, str]
    log_level: str
    max_body_bytes: int


def read_settings(service: str, env: Env | None = None) -> Settings:
    """Reads and checks the environment. Raises SystemExit with a sentence that names what is wrong."""
    env = env or Env()

    def read() -> Settings:
        return Settings(
            service=service,
            process_name=env.str("PROCESS_NAME", f"{service}-1"),
            mongodb_uri=env.str("MONGODB_URI"),
            mongodb_database=env.str("MONGODB_DATABASE", f"uso_{service}"),
            kafka_bootstrap_servers=env.list("KAFKA_BOOTSTRAP_SERVERS"),
            kafka_replication_factor=env.int("KAFKA_REPLICATION_FACTOR", 1, validate=validate.Range(min=1)),
            kafka_partitions=env.int("KAFKA_PARTITIONS", DEFAULT_PARTITIONS, validate=validate.Range(min=1)),
            http_host=env.str("HTTP_HOST", "127.0.0.1"),
            http_port=env.int("HTTP_PORT", 8080, validate=validate.Range(min=0, max=65535)),
            http_workers=env.int("HTTP_WORKERS", 1, validate=validate.Range(min=1)),
            http_threads=env.int("HTTP_THREADS", 16, validate=validate.Range(min=1)),
            admin_host=env.str("ADMIN_HOST", "127.0.0.1"),
            admin_port=env.int("ADMIN_PORT", 0, validate=validate.Range(min=0, max=65535)),
            jwks=env.str("JWKS"),
            jwt_issuer=env.str("JWT_ISSUER"),
            jwt_audience=env.str("JWT_AUDIENCE"),
            secret_keys=env.list("SECRET_KEYS"),
            public_urls={
                name: env.str(f"PUBLIC_URL_{name.upper()}", "") for name in ("enrolment", "events", "notifications")
            },
            log_level=env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
            max_body_bytes=env.int("MAX_BODY_BYTES", 1_000_000, validate=validate.Range(min=1000)),
        )

    return checked(read)


def checked(read: Callable[[], T]) -> T:
    """What `read` gives. A missing or wrong variable ends the process with a sentence that names it."""
    try:
        return read()
    except EnvError as error:
        raise SystemExit(f"Configuration: {error}. See {Path('docs/configuration.md')}.") from error

"""Settings of Kafka: the brokers, the security of the connections, the settings of new topics."""

import ssl
from dataclasses import dataclass

from environs import EnvError, ValidationError, validate

from shared.environment import FromEnvironment, setting

DEFAULT_PARTITIONS = 12
DEFAULT_BUSY_PARTITIONS = 24

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


# Kafka's own number for the brokers' default.
BROKERS_OWN = -1


def is_replication_factor(number: int) -> None:
    """Raises ValidationError for a number that is no replication factor."""
    if number < 1 and number != BROKERS_OWN:
        raise ValidationError("give 1 or more, or -1 for the brokers' own default")


@dataclass(frozen=True, kw_only=True)
class KafkaSettings(FromEnvironment):
    """The connection to Kafka. Raises EnvError when the settings contradict one another."""

    kafka_bootstrap_servers: list[str] = setting(
        "KAFKA_BOOTSTRAP_SERVERS", example=["127.0.0.1:9"], about="comma-separated"
    )
    kafka_security_protocol: str = setting(
        "KAFKA_SECURITY_PROTOCOL",
        "PLAINTEXT",
        check=validate.OneOf(PROTOCOLS),
        about=", ".join(f"`{name}`" for name in PROTOCOLS) + ": of every client of the process",
    )
    kafka_sasl_mechanism: str = setting(
        "KAFKA_SASL_MECHANISM",
        MECHANISMS[0],
        check=validate.OneOf(MECHANISMS),
        about=", ".join(f"`{name}`" for name in MECHANISMS) + ": where the protocol begins with `SASL_`",
    )
    kafka_sasl_username: str = setting("KAFKA_SASL_USERNAME", "", about="the process's principal at the brokers")
    kafka_sasl_password: str = setting("KAFKA_SASL_PASSWORD", "", secret=True, about="and its password")
    kafka_ssl_ca_file: str = setting(
        "KAFKA_SSL_CA_FILE",
        "",
        about="PEM certificates that the brokers' own are checked against; the system's where it is empty",
    )
    kafka_replication_factor: int = setting(
        "KAFKA_REPLICATION_FACTOR",
        BROKERS_OWN,
        check=is_replication_factor,
        about="of the topics that the service makes; `-1` takes the brokers' `default.replication.factor`",
    )
    kafka_partitions: int = setting(
        "KAFKA_PARTITIONS",
        DEFAULT_PARTITIONS,
        check=validate.Range(min=1),
        about="of the topics that the service makes; it cannot be changed in place later (docs/operations.md)",
    )
    kafka_partitions_busy: int = setting(
        "KAFKA_PARTITIONS_BUSY",
        DEFAULT_BUSY_PARTITIONS,
        check=validate.Range(min=1),
        about="the same, of the topics of registrations and deliveries",
    )
    kafka_absence_hours: int = setting(
        "KAFKA_ABSENCE_HOURS",
        72,
        check=validate.Range(min=1, max=24 * 29),
        about="for how long a worker may be away without missing a message: until then compaction keeps every record "
        "of the topics that the service makes",
    )

    def __post_init__(self) -> None:
        if self.kafka_security_protocol.startswith("SASL_"):
            for name in ("username", "password"):
                if not getattr(self, f"kafka_sasl_{name}"):
                    raise EnvError(
                        f'"KAFKA_SASL_{name.upper()}" is empty, and KAFKA_SECURITY_PROTOCOL is '
                        f"{self.kafka_security_protocol}"
                    )
        elif self.kafka_sasl_username:
            raise EnvError(
                '"KAFKA_SASL_USERNAME" is set, but no user is named to Kafka: KAFKA_SECURITY_PROTOCOL is '
                f"{self.kafka_security_protocol}"
            )
        if self.kafka_ssl_ca_file:
            if not self.kafka_security_protocol.endswith("SSL"):
                raise EnvError(
                    '"KAFKA_SSL_CA_FILE" is set, but nothing is encrypted: KAFKA_SECURITY_PROTOCOL is '
                    f"{self.kafka_security_protocol}"
                )
            try:
                ssl.create_default_context(cafile=self.kafka_ssl_ca_file)
            except (OSError, ssl.SSLError) as error:
                raise EnvError(f'"KAFKA_SSL_CA_FILE" names no file of PEM certificates: {error}') from error

"""Makes every Kafka client of the product: security and required options stand in this one place."""

from typing import Any

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

from shared.kafka_settings import KafkaSettings


def make_consumer(settings: KafkaSettings, client_id: str, **options: Any) -> Any:
    """A KafkaConsumer that reads committed records only, from the start of a partition without a position.

    Raises KafkaError when no broker answers. `options` go before the ones given here.
    """
    common = {
        "isolation_level": "read_committed",
        # kafka-python's defaults (commit by a timer, begin at the end) lose records silently.
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "allow_auto_create_topics": False,
        # With the default of 500, reading stalls as soon as some of the partitions are drained.
        "fetch_max_wait_ms": 20,
        "group_id": None,
    }
    return KafkaConsumer(client_id=client_id, **(connection_options(settings) | common | options))


def make_producer(settings: KafkaSettings, client_id: str, **options: Any) -> Any:
    """A KafkaProducer whose records are acknowledged by all replicas in sync. Raises KafkaError."""
    common = {
        # Set explicitly: a conflicting option would then fail, and not turn idempotence off with a mere warning.
        "enable_idempotence": True,
        "acks": "all",
        "allow_auto_create_topics": False,
    }
    return KafkaProducer(client_id=client_id, **(connection_options(settings) | common | options))


def make_admin(settings: KafkaSettings, client_id: str, **options: Any) -> Any:
    """A KafkaAdminClient. Raises KafkaError when no broker answers."""
    return KafkaAdminClient(client_id=client_id, **(connection_options(settings) | options))


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """The brokers and the security of the connection, as kafka-python's options."""
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": protocol,
    }
    if protocol.endswith("SSL"):
        options["ssl_cafile"] = settings.kafka_ssl_ca_file or None
        options["ssl_check_hostname"] = True
    if protocol.startswith("SASL_"):
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = settings.kafka_sasl_password
    return options

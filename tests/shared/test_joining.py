"""A group's leader takes over the partitions of a topic that is made after it has joined."""

from types import SimpleNamespace

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient, NewTopic

from shared.ids import new_id
from shared.messaging.joining import see_joins_through
from shared.testing import wait_for


def test_a_join_that_outlasts_a_poll_is_seen_through(service: SimpleNamespace) -> None:
    servers = service.settings.kafka_bootstrap_servers
    later = f"{service.topic}.{new_id()}"
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        group_id=service.name,
        allow_auto_create_topics=False,
        metadata_max_age_ms=300,
        enable_auto_commit=False,
    )
    admin = KafkaAdminClient(bootstrap_servers=servers)
    try:
        see_joins_through(consumer)
        consumer.subscribe([service.topic, later])
        wait_for(lambda: consumer.poll(timeout_ms=1) or len(consumer.assignment()) == 3)
        admin.create_topics([NewTopic(name=later, num_partitions=2, replication_factor=1)])
        wait_for(lambda: consumer.poll(timeout_ms=1) or len(consumer.assignment()) == 5)
    finally:
        consumer.close()
        admin.close()

"""A group's leader takes over the partitions of a topic that is made after it has joined."""

import threading
from types import SimpleNamespace
from typing import Any

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor

from shared.ids import new_id
from shared.messaging.kafka_workarounds import patch_group_join, poll
from shared.testing import wait_for


class TakesItsTime(RangePartitionAssignor):
    """Needs longer for an assignment than a poll waits for one."""

    def assign(self, *arguments: Any) -> Any:
        threading.Event().wait(0.5)
        return super().assign(*arguments)


def test_a_join_that_outlasts_a_poll_is_seen_through(service: SimpleNamespace) -> None:
    servers = service.settings.kafka_bootstrap_servers
    later = f"{service.topic}.{new_id()}"
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        group_id=service.name,
        partition_assignment_strategy=[TakesItsTime],
        allow_auto_create_topics=False,
        metadata_max_age_ms=300,
        enable_auto_commit=False,
    )
    admin = KafkaAdminClient(bootstrap_servers=servers)
    try:
        patch_group_join(consumer)
        consumer.subscribe([service.topic, later])
        wait_for(lambda: poll(consumer, timeout_ms=100) or len(consumer.assignment()) == 3, seconds=60)
        admin.create_topics([NewTopic(name=later, num_partitions=2, replication_factor=1)])
        wait_for(lambda: poll(consumer, timeout_ms=100) or len(consumer.assignment()) == 5, seconds=60)
    finally:
        consumer.close()
        admin.close()

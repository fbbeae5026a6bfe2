"""A group's leader takes over the partitions of a topic that is made after it has joined."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor

from shared.errors import Unavailable
from shared.ids import new_id
from shared.messaging.kafka_workarounds import UnknownClient, patch_group_join, poll
from shared.messaging.subscriptions import Projection
from shared.messaging.topics import ensure_topics, state_topic
from tests.support import wait_for


@pytest.mark.parametrize("made", [[], ["there"]], ids=["none of its topics exists", "one of two exists"])
def test_a_worker_is_ready_without_other_services_topics_and_reads_them_once_they_are_made(
    service: SimpleNamespace, produce: Any, consuming: Any, made: list[str]
) -> None:
    there, later = f"uso.{service.name}.there.v1", f"uso.{service.name}.later.v1"
    source = f"/uso/{service.name}"
    record = f'{{"id":"1","source":"{source}","type":"fi.uso.thing.updated","sequence":1,"data":{{"state":{{}}}}}}'
    ensure_topics([state_topic(there)] if made else [], service.settings)
    copy = Projection(collection="copies")
    with consuming(service, {there: [copy], later: [copy]}) as consumer:
        wait_for(lambda: is_ready(consumer), seconds=60)
        if made:
            produce([(b"a", record.encode())], topic=there)
            wait_for(lambda: service.db["copies"].count_documents({}) == 1, seconds=60)
        ensure_topics([state_topic(there), state_topic(later)], service.settings)
        produce([(b"b", record.encode())], topic=later)
        wait_for(lambda: service.db["copies"].count_documents({"_id": "b"}) == 1, seconds=60)


def is_ready(consumer: Any) -> bool:
    try:
        consumer.check()
    except Unavailable:
        return False
    return True


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


def test_another_client_than_the_one_that_was_patched_is_refused() -> None:
    with pytest.raises(UnknownClient):
        patch_group_join(SimpleNamespace(_coordinator=SimpleNamespace(need_rejoin=lambda: False)))

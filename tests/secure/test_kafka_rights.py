"""Nobody gets more of Kafka than their own: each principal tried against each topic, and what each may write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import NewTopic
from kafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
)

from deploy.local.demo.story_state import StoryState
from deploy.local.security import client_settings
from deploy.local.stack import Stack
from shared.messaging.kafka_clients import make_admin, make_consumer, make_producer

ORGANISATIONS, CONTACTS = "uso.enrolment.organisations.v1", "uso.enrolment.contacts.v1"
SEASONS, ENROLMENTS = "uso.enrolment.seasons.v1", "uso.enrolment.enrolments.v1"
DAYS, TASKS = "uso.enrolment.workshop-days.v1", "uso.enrolment.tasks.v1"
EVENTS, REGISTRATIONS = "uso.events.events.v1", "uso.events.registrations.v1"
ERASURES = "uso.enrolment.erasures.v1"
ACKNOWLEDGED = {name: f"uso.{name}.acknowledgements.v1" for name in ("enrolment", "events", "notifications")}
ANNOUNCEMENTS, DELIVERIES = "uso.notifications.announcements.v1", "uso.notifications.deliveries.v1"
OWN = {
    "enrolment": {ORGANISATIONS, CONTACTS, SEASONS, ENROLMENTS, DAYS, TASKS, ERASURES, ACKNOWLEDGED["enrolment"]},
    "events": {EVENTS, REGISTRATIONS, ACKNOWLEDGED["events"]},
    "notifications": {ANNOUNCEMENTS, DELIVERIES, ACKNOWLEDGED["notifications"]},
}
BEHIND_THE_SCENES = {service: {f"uso.{service}.dead-letters.v1", f"uso.{service}.relay-offsets.v1"} for service in OWN}
# What each service subscribes to; some of its own topics are among them.
OTHERS = {
    "enrolment": {EVENTS, *ACKNOWLEDGED.values()},
    "events": {ORGANISATIONS, CONTACTS, SEASONS, ENROLMENTS, DAYS, ERASURES},
    "notifications": {
        *(ORGANISATIONS, CONTACTS, SEASONS, ENROLMENTS, DAYS, TASKS, ERASURES),
        *(EVENTS, REGISTRATIONS, ANNOUNCEMENTS),
    },
}
EVERYTHING = set().union(*OWN.values(), *BEHIND_THE_SCENES.values())
MAY_READ = {
    **{f"{service}-api": OTHERS[service] for service in OWN},
    **{f"{service}-worker": OTHERS[service] for service in OWN},
    **{f"{service}-relay": OTHERS[service] | OWN[service] | BEHIND_THE_SCENES[service] for service in OWN},
    "subscriber": {ORGANISATIONS, SEASONS, ENROLMENTS, DAYS, TASKS, ERASURES, EVENTS, ANNOUNCEMENTS, DELIVERIES},
}
MILLISECONDS = 2500


@pytest.fixture
def kafka(locked: Stack, told: StoryState) -> dict[str, Any]:
    """What stack.json says of Kafka, with topics that have something in them."""
    described: dict[str, Any] = locked.info["kafka"]
    return described


@contextmanager
def consumer_of(kafka: dict[str, Any], principal: str, **options: Any) -> Iterator[Any]:
    consumer = make_consumer(client_settings(kafka, principal), f"test-{principal}", **options)
    try:
        yield consumer
    finally:
        consumer.close()


def readable(kafka: dict[str, Any], principal: str) -> set[str]:
    """The topics that it sees and whose records it gets."""
    found = set()
    with consumer_of(kafka, principal) as consumer:
        for topic in sorted(consumer.topics() & EVERYTHING):
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
            consumer.assign(partitions)
            consumer.seek_to_beginning()
            try:
                consumer.poll(timeout_ms=500)
            except TopicAuthorizationFailedError:
                continue
            found.add(topic)
    return found


@pytest.mark.parametrize("principal", sorted(MAY_READ))
def test_a_principal_reads_what_it_needs_and_nothing_else(kafka: dict[str, Any], principal: str) -> None:
    assert readable(kafka, principal) == MAY_READ[principal]


def write(kafka: dict[str, Any], principal: str, topic: str) -> None:
    producer = make_producer(client_settings(kafka, principal), f"test-{principal}", max_block_ms=MILLISECONDS)
    try:
        producer.send(topic, key=b"nobody", value=None).get(MILLISECONDS / 1000)
    finally:
        producer.close(timeout=0)


@pytest.mark.parametrize("principal", [name for name in sorted(MAY_READ) if not name.endswith("-relay")])
def test_nobody_but_a_relay_writes_anything(kafka: dict[str, Any], principal: str) -> None:
    service = principal.partition("-")[0]
    own = sorted(OWN.get(service, {ORGANISATIONS}))[0]
    with pytest.raises(KafkaError):
        write(kafka, principal, own)


@pytest.mark.parametrize("service", sorted(OWN))
def test_a_relay_writes_its_own_topics_and_no_others(kafka: dict[str, Any], service: str) -> None:
    write(kafka, f"{service}-relay", f"uso.{service}.dead-letters.v1")
    for other in sorted(OWN.keys() - {service}):
        with pytest.raises(KafkaError):
            write(kafka, f"{service}-relay", sorted(OWN[other])[0])


def test_a_relay_cannot_fence_another_services_relay(kafka: dict[str, Any]) -> None:
    settings = client_settings(kafka, "events-relay")
    producer = make_producer(settings, "test", transactional_id="uso.enrolment.relay.0", max_block_ms=MILLISECONDS)
    with pytest.raises(TransactionalIdAuthorizationFailedError):
        producer.init_transactions()
    producer.close(timeout=0)


@pytest.mark.parametrize("principal", ["subscriber", "events-worker", "enrolment-relay"])
def test_nobody_joins_the_group_of_another(kafka: dict[str, Any], principal: str) -> None:
    with consumer_of(kafka, principal, group_id="uso.notifications") as consumer:
        consumer.subscribe([ORGANISATIONS, EVENTS])
        with pytest.raises(GroupAuthorizationFailedError):
            consumer.poll(timeout_ms=10_000)


def test_a_subscriber_reads_with_a_group_of_its_own(kafka: dict[str, Any]) -> None:
    with consumer_of(kafka, "subscriber", group_id="subscriber.invoicing") as consumer:
        consumer.subscribe([SEASONS])
        records = [record for _ in range(20) for found in consumer.poll(timeout_ms=500).values() for record in found]
    assert records


@pytest.mark.parametrize("principal", sorted(MAY_READ))
def test_nobody_makes_a_topic_outside_of_their_own(kafka: dict[str, Any], principal: str) -> None:
    admin = make_admin(client_settings(kafka, principal), "test", request_timeout_ms=10_000)
    with pytest.raises((TopicAuthorizationFailedError, ClusterAuthorizationFailedError)):
        admin.create_topics([NewTopic(name="uso.elsewhere.v1", num_partitions=1, replication_factor=1)])
    admin.close()

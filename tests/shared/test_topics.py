"""Topics on a real broker: made with what is promised, brought up to date, and never given other partitions."""

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from pymongo import InsertOne

from shared.ids import new_id
from shared.messaging.absence import oldest_unread, report_absence
from shared.messaging.kafka_clients import make_admin
from shared.messaging.subscriptions import Projection
from shared.messaging.topics import (
    Topic,
    WrongPartitions,
    ensure_topics,
    log_topic,
    service_topics,
    state_topic,
)
from shared.mongo.database import OFFSETS
from shared.settings import Settings
from shared.telemetry.metrics import OLDEST_UNREAD
from tests.support import wait_for

HOUR = 3_600_000


@pytest.fixture
def settings(settings_for: Any) -> Settings:
    made: Settings = settings_for(f"t{new_id()[-8:]}", kafka=True)
    return made


def config_of(settings: Settings, topic: str) -> dict[str, str]:
    admin = make_admin(settings, "test")
    try:
        described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
        return {name: str(value["value"]) for name, value in described["topic"][topic].items()}
    finally:
        admin.close()


def partitions_of(settings: Settings, topic: str) -> int:
    admin = make_admin(settings, "test")
    try:
        return len(admin.describe_topics([topic])[0]["partitions"])
    finally:
        admin.close()


def test_what_was_superseded_is_kept_for_as_long_as_a_worker_may_be_away(settings: Settings) -> None:
    usual, personal = (f"uso.{settings.service}.{name}.v1" for name in ("usual", "personal"))
    ensure_topics([state_topic(usual), state_topic(personal, personal=True)], settings)
    assert config_of(settings, usual)["min.compaction.lag.ms"] == str(72 * HOUR)
    kept = config_of(settings, personal)
    assert (kept["min.compaction.lag.ms"], kept["max.compaction.lag.ms"]) == (str(72 * HOUR), str(96 * HOUR))


def test_an_existing_topic_is_brought_up_to_date_and_loses_nothing(settings: Settings) -> None:
    states, letters = f"uso.{settings.service}.states.v1", f"uso.{settings.service}.letters.v1"
    before = {"cleanup.policy": "compact", "max.compaction.lag.ms": str(24 * HOUR), "segment.ms": str(24 * HOUR)}
    ensure_topics([Topic(name=states, config=before), log_topic(letters, days=40)], settings)
    longer = replace(settings, kafka_absence_hours=100)
    ensure_topics([state_topic(states, personal=True), log_topic(letters, days=30)], longer)
    now = config_of(settings, states)
    assert (now["min.compaction.lag.ms"], now["max.compaction.lag.ms"]) == (str(100 * HOUR), str(124 * HOUR))
    assert now["unclean.leader.election.enable"] == "false"
    assert config_of(settings, letters)["retention.ms"] == str(40 * 24 * HOUR)
    ensure_topics([log_topic(states, days=1)], settings)
    assert config_of(settings, states)["cleanup.policy"] == "compact"


def test_a_topic_with_another_number_of_partitions_is_refused_with_the_way_to_do_it(settings: Settings) -> None:
    topic = state_topic(f"uso.{settings.service}.things.v1")
    ensure_topics([topic], settings)
    with pytest.raises(WrongPartitions, match=r"has 3 and should have 6.*KAFKA_PARTITIONS.*docs/operations\.md"):
        ensure_topics([topic], replace(settings, kafka_partitions=6))
    assert partitions_of(settings, topic.name) == 3


def test_busy_topics_have_more_partitions_from_the_start(settings: Settings) -> None:
    usual, busy = (f"uso.{settings.service}.{name}.v1" for name in ("usual", "busy"))
    twice = replace(settings, kafka_partitions=2, kafka_partitions_busy=4)
    ensure_topics([state_topic(usual), state_topic(busy, busy=True)], twice)
    assert (partitions_of(settings, usual), partitions_of(settings, busy)) == (2, 4)


def test_the_usual_numbers_of_partitions() -> None:
    usual = Settings.for_tests(service="t")
    assert state_topic("a").wanted_partitions(usual) == 12
    assert state_topic("a", busy=True).wanted_partitions(usual) == 24
    assert [topic.wanted_partitions(usual) for topic in service_topics("t") if "relay" in topic.name] == [1]


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, "1"), (2, "1"), (3, "2")])
def test_three_replicas_are_written_to_two_of_them(settings: Settings, replicas: int, in_sync: str) -> None:
    assert state_topic("a").wanted_config(settings, replicas)["min.insync.replicas"] == in_sync


def test_topics_have_as_many_replicas_as_the_brokers_give_when_nothing_is_said(settings: Settings) -> None:
    assert settings.kafka_replication_factor == -1
    topic = f"uso.{settings.service}.things.v1"
    ensure_topics([state_topic(topic)], settings)
    admin = make_admin(settings, "test")
    try:
        broker = admin.describe_cluster()["brokers"][0]["broker_id"]
        resource = ConfigResource(ConfigResourceType.BROKER, str(broker))
        own = admin.describe_configs([resource], config_filter="all")["broker"][str(broker)]
        [described] = admin.describe_topics([topic])
    finally:
        admin.close()
    given = {len(partition["replica_nodes"]) for partition in described["partitions"]}
    assert given == {int(own["default.replication.factor"]["value"])}


def test_how_long_messages_wait_is_seen_while_every_worker_is_away(
    service: SimpleNamespace, produce: Any, consuming: Any
) -> None:
    copy = Projection(collection="copies")
    source = f"/uso/{service.name}"
    record = f'{{"id":"1","source":"{source}","type":"fi.uso.thing.updated","sequence":1,"data":{{"state":{{}}}}}}'
    with consuming(service, {service.topic: [copy]}) as consumer:
        produce([(f"k{number}".encode(), record.encode()) for number in range(20)])
        wait_for(lambda: service.db["copies"].count_documents({}) == 20)
        assert len(consumer.offsets) == 3
    assert oldest_unread(service.db, service.settings) == {service.topic: 0.0}
    produce([(b"k", record.encode())])
    came = time.time()
    wait_for(lambda: oldest_unread(service.db, service.settings)[service.topic] > 0.2)
    assert oldest_unread(service.db, service.settings)[service.topic] < time.time() - came + 1
    report_absence(service.db, service.settings)
    assert OLDEST_UNREAD.labels(service.name, service.topic)._value.get() > 0.2
    gone = {"_id": f"uso.{service.name}/uso.{service.name}.gone.v1/0", "next": 5}
    service.db[OFFSETS].bulk_write([InsertOne(gone)])  # of a topic that is no more
    assert oldest_unread(service.db, service.settings)[f"uso.{service.name}.gone.v1"] == 0.0

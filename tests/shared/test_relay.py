"""The relay on real Kafka and MongoDB: every committed row, in order, visible once."""

import json
import threading
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

from kafka import KafkaProducer

from shared.cause import own_initiative
from shared.messaging.relay import Relay
from shared.messaging.topics import relay_offsets
from shared.mongo.journal import JOURNAL
from tests.shared.conftest import in_thread
from tests.support import wait_for


def versions_by_key(records: list[Any]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for record in records:
        found.setdefault(record.key.decode(), []).append(json.loads(record.value)["sequence"])
    return found


def test_every_commit_becomes_a_message_in_the_order_of_its_key(
    service: SimpleNamespace, write: Any, relaying: Any, read_topic: Any
) -> None:
    before = write(service, 20)
    with relaying(service):
        after = write(service, 30)
        records = wait_for(lambda: _enough(read_topic(service.settings, service.topic), 50))
    versions = versions_by_key(records)
    assert {key: versions[key] for key in before} == {key: [1, 2, 3, 4] for key in before}
    assert {key: versions[key] for key in after} == {key: [1, 2, 3, 4, 5, 6] for key in after}


def test_a_restarted_relay_goes_on_behind_the_last_message(
    service: SimpleNamespace, write: Any, relaying: Any, read_topic: Any
) -> None:
    for round_ in (1, 2, 3):
        with relaying(service):
            write(service, 10)
            wait_for(lambda round_=round_: _enough(read_topic(service.settings, service.topic), 10 * round_))
    ids = Counter(json.loads(record.value)["id"] for record in read_topic(service.settings, service.topic))
    assert len(ids) == 30
    assert set(ids.values()) == {1}


def test_what_was_written_while_no_relay_ran_is_relayed_later(
    service: SimpleNamespace, write: Any, relaying: Any, read_topic: Any
) -> None:
    with relaying(service):
        write(service, 5)
        wait_for(lambda: _enough(read_topic(service.settings, service.topic), 5))
    write(service, 25)
    with relaying(service):
        records = wait_for(lambda: _enough(read_topic(service.settings, service.topic), 30))
    assert len({json.loads(record.value)["id"] for record in records}) == 30


def test_a_place_that_the_oplog_no_longer_has_loses_nothing(
    service: SimpleNamespace, write: Any, relaying: Any, read_topic: Any
) -> None:
    keys = write(service, 15)
    producer = KafkaProducer(bootstrap_servers=service.settings.kafka_bootstrap_servers)
    lost = {"token": {"_data": "8200000001000000012B0429296E1404"}}
    producer.send(relay_offsets(service.name), key=b"place", value=json.dumps(lost).encode(), partition=0).get(10)
    producer.close()
    with relaying(service):
        write(service, 5)
        records = wait_for(lambda: _enough(read_topic(service.settings, service.topic), 20))
    assert {key: found[-1] for key, found in versions_by_key(records).items() if key in keys} == dict.fromkeys(keys, 3)


def test_a_second_relay_fences_the_first_which_then_ends(
    service: SimpleNamespace, write: Any, relaying: Any, read_topic: Any
) -> None:
    with relaying(service) as first:
        write(service, 5)
        wait_for(lambda: _enough(read_topic(service.settings, service.topic), 5))
        with relaying(service):
            # The first may carry a few more before the second is there; then it is fenced.
            wait_for(lambda: write(service, 1) and first.error is not None, what="the fenced relay to end")
            written = service.db[JOURNAL].count_documents({})
            records = wait_for(lambda: _enough(read_topic(service.settings, service.topic), written))
    ids = Counter(json.loads(record.value)["id"] for record in records)
    assert len(ids) == written
    assert set(ids.values()) == {1}


def test_a_tombstone_is_relayed_as_a_record_without_value(
    service: SimpleNamespace, relaying: Any, read_topic: Any
) -> None:
    service.db.transact(
        lambda work: work.publish(topic=service.topic, key="somebody", value=None), cause=own_initiative("test")
    )
    with relaying(service):
        records = wait_for(lambda: _enough(read_topic(service.settings, service.topic), 1))
    assert records[0].key == b"somebody"
    assert records[0].value is None
    assert service.db[JOURNAL].count_documents({}) == 1


def test_a_message_of_several_megabytes_holds_nothing_up(
    service: SimpleNamespace, write: Any, relaying: Any, read_topic: Any
) -> None:
    large = b"x" * 5_000_000
    service.db.transact(
        lambda work: work.publish(topic=service.topic, key="large", value=large), cause=own_initiative("test")
    )
    with relaying(service):
        records = wait_for(lambda: _enough(read_topic(service.settings, service.topic), 1))
    assert records[0].value == large


def test_a_relay_says_that_it_is_alive_with_nothing_to_carry_too(service: SimpleNamespace) -> None:
    said: list[float] = []
    stop = threading.Event()
    relay = Relay(service.db, service.settings, alive=lambda: said.append(time.monotonic()))
    with in_thread(lambda: relay.run(lambda: not stop.is_set())) as state:
        wait_for(lambda: len(said) >= 5 or state.error, seconds=60)
        stop.set()
        state.thread.join(15)
    assert state.error is None


def _enough(records: list[Any], count: int) -> list[Any] | None:
    return records if len(records) >= count else None

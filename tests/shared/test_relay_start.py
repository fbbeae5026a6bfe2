"""Where a relay begins: behind the last token, at the start, or with what an earlier one has left unmarked."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from bson import json_util
from kafka import KafkaProducer
from pymongo.errors import OperationFailure

from shared.messaging import relay as relay_module
from shared.messaging.journal_reader import JournalReader
from shared.messaging.relay import Relay
from shared.messaging.resume_token import TokenReader
from shared.messaging.topics import relay_offsets
from shared.mongo.journal import JOURNAL
from shared.telemetry.metrics import RELAY_GAPS
from tests.shared.conftest import in_thread
from tests.shared.test_consumer_limits import make_topic_anew
from tests.support import wait_for


@contextmanager
def running(relay: Relay) -> Iterator[SimpleNamespace]:
    stop = threading.Event()
    with in_thread(lambda: relay.run(lambda: not stop.is_set())) as state:
        yield state
        stop.set()
        state.thread.join(15)


def ids_of(records: list[Any]) -> Counter[str]:
    return Counter(json.loads(record.value)["id"] for record in records)


def versions(records: list[Any]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = {}
    for record in records:
        found.setdefault(record.key, []).append(json.loads(record.value)["sequence"])
    return found


# The token


def test_a_token_behind_many_others_is_found_from_the_end(service: SimpleNamespace, back_ends: dict[str, Any]) -> None:
    producer = KafkaProducer(bootstrap_servers=service.settings.kafka_bootstrap_servers, enable_idempotence=True)
    for number in range(20_000):
        value = json_util.dumps({"token": {"_data": str(number)}}).encode()
        producer.send(relay_offsets(service.name), key=b"token-0", value=value, partition=0)
    producer.flush()
    producer.close()
    reader = TokenReader(service.settings, 0)
    token, _ = reader.read()
    assert token is not None
    assert token.position == {"token": {"_data": "19999"}}
    assert reader.records_read <= 2000


def test_another_shards_token_is_not_taken_for_ones_own(service: SimpleNamespace) -> None:
    producer = KafkaProducer(bootstrap_servers=service.settings.kafka_bootstrap_servers, enable_idempotence=True)
    for shard, text in [(0, "mine"), *[(1, "another's")] * 3000]:
        value = json_util.dumps({"token": {"_data": text}}).encode()
        producer.send(relay_offsets(service.name), key=f"token-{shard}".encode(), value=value, partition=0)
    producer.flush()
    producer.close()
    token, _ = TokenReader(service.settings, 0).read()
    assert token is not None
    assert token.position == {"token": {"_data": "mine"}}


def test_what_outlives_a_relay_is_named_after_its_shard(service: SimpleNamespace, write: Any, read_topic: Any) -> None:
    relay = Relay(service.db, service.settings)
    with running(relay):
        write(service, 3)
        wait_for(lambda: len(read_topic(service.settings, service.topic)) == 3)
        assert relay.producer.config["transactional_id"] == f"uso.{service.name}.relay.0"
    assert {record.key for record in read_topic(service.settings, relay_offsets(service.name))} == {b"token-0"}


# Topics made anew


def test_a_topic_made_anew_gets_everything_again(
    service: SimpleNamespace, write: Any, relaying: Any, read_topic: Any
) -> None:
    with relaying(service):
        write(service, 12)
        wait_for(lambda: len(read_topic(service.settings, service.topic)) == 12)
    make_topic_anew(service)
    assert read_topic(service.settings, service.topic) == []
    with relaying(service):
        write(service, 3)
        records = wait_for(lambda: _enough(read_topic(service.settings, service.topic), 15), seconds=60)
    assert set(ids_of(records).values()) == {1}


# What hangs


@pytest.mark.parametrize("token_is_behind", [True, False], ids=["the token was marked", "nor was the token marked"])
def test_records_that_lost_their_marks_are_sent_again_once(
    service: SimpleNamespace, write: Any, read_topic: Any, monkeypatch: pytest.MonkeyPatch, token_is_behind: bool
) -> None:
    with running(Relay(service.db, service.settings)):
        write(service, 5)
        wait_for(lambda: len(read_topic(service.settings, service.topic)) == 5)
    before, _ = TokenReader(service.settings, 0).read()
    write(service, 10, keys=2)
    rows = list(service.db[JOURNAL].find({"topic": service.topic}).sort("_id", 1))[5:]
    with _position_behind(service) as behind:
        # Another producer's open transaction stands for one whose marks were lost.
        other = KafkaProducer(
            bootstrap_servers=service.settings.kafka_bootstrap_servers, transactional_id=f"other.{service.name}"
        )
        other.init_transactions()
        other.begin_transaction()
        for row in rows:
            other.send(service.topic, key=row["key"].encode(), value=row["value"]).get(20)
        monkeypatch.setattr(relay_module, "abort_hanging_transactions", lambda *_: other.abort_transaction())
        position = behind if token_is_behind else before.position  # type: ignore[union-attr]
        producer = KafkaProducer(bootstrap_servers=service.settings.kafka_bootstrap_servers)
        producer.send(
            relay_offsets(service.name), key=b"token-0", value=json_util.dumps(position).encode(), partition=0
        ).get(20)
        producer.close()
    with running(Relay(service.db, service.settings)):
        later = write(service, 4)
        records = wait_for(lambda: _enough(read_topic(service.settings, service.topic), 19), seconds=60)
    other.close()
    assert set(ids_of(records).values()) == {1}
    assert {key: found for key, found in versions(records).items() if len(found) == 5} == {
        row["key"].encode(): [1, 2, 3, 4, 5] for row in rows
    }
    assert len(later) == 5


@contextmanager
def _position_behind(service: SimpleNamespace) -> Iterator[dict[str, Any]]:
    """The journal's position behind all that was written."""
    batches = JournalReader(service.db).batches(None, lambda: True)
    for batch in batches:
        if "token" in batch.token:
            yield {"token": batch.token["token"]}
            break


# Snapshots


class ShortSnapshots(JournalReader):
    """MongoDB whose snapshots do not last for more than sixteen slots."""

    def __init__(self, db: Any) -> None:
        super().__init__(db)
        self.between_parts: Any = lambda: None

    def _command(self, session: Any, command: dict[str, Any]) -> dict[str, Any]:
        if "find" in command:
            slots = command["filter"].get("slot", {"$gte": 0, "$lt": 64})
            if slots["$lt"] - slots["$gte"] > 16:
                raise OperationFailure("snapshot too old", 239)
            reply = super()._command(session, command)
            self.between_parts()
            return reply
        return super()._command(session, command)


def things(service: SimpleNamespace, relay: Relay, read_topic: Any, count: int) -> list[Any]:
    with running(relay):
        records: list[Any] = wait_for(lambda: _enough(read_topic(service.settings, service.topic), count), seconds=60)
    return records


def test_a_scan_that_outlasts_the_snapshot_comes_to_its_end(
    service: SimpleNamespace, write: Any, read_topic: Any
) -> None:
    write(service, 90, keys=30)
    relay = Relay(service.db, service.settings)
    relay.journal = journal = ShortSnapshots(service.db)
    written: list[str] = []

    def write_more() -> None:
        """What is committed between two parts is in one of them or in the stream, and in none twice."""
        written.extend(write(service, 24, keys=12))

    journal.between_parts = write_more
    with running(relay):
        records = wait_for(lambda: _enough(read_topic(service.settings, service.topic), 90 + 4 * 24), seconds=60)
    found = versions(records)
    assert all(each == sorted(set(each)) for each in found.values())
    assert sum(len(each) for each in found.values()) == 90 + 4 * 24
    assert len(written) == 48


def test_a_scan_goes_on_where_the_relay_before_was_stopped(service: SimpleNamespace, write: Any) -> None:
    write(service, 60, keys=30)
    first, token = [], None
    for batch in ShortSnapshots(service.db).batches(None, lambda: True):
        first += [row["_id"] for row in batch.rows]
        token = batch.token
        if batch.progress and len(token["scanned"]) == 2:
            break
    rest = []
    for batch in ShortSnapshots(service.db).batches(token, lambda: True):
        rest += [row["_id"] for row in batch.rows]
        if "token" in batch.token:
            break
    assert not set(first) & set(rest)
    assert set(first) | set(rest) == {row["_id"] for row in service.db[JOURNAL].find()}


# Away for long


def test_a_relay_that_was_away_for_longer_than_rows_are_kept_says_so(service: SimpleNamespace) -> None:
    producer = KafkaProducer(bootstrap_servers=service.settings.kafka_bootstrap_servers)
    value = json_util.dumps({"token": {"_data": "8200000001000000012B0429296E1404"}}).encode()
    long_ago = 1_000_000_000_000  # in 2001
    producer.send(relay_offsets(service.name), key=b"token-0", value=value, partition=0, timestamp_ms=long_ago).get(20)
    producer.close()
    with running(Relay(service.db, service.settings)):
        wait_for(lambda: RELAY_GAPS.labels(service.name)._value.get() == 1, seconds=30)


def _enough(records: list[Any], count: int) -> list[Any] | None:
    return records if len(records) >= count else None

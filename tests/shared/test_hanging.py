"""Records that an earlier relay has left without marks are aborted, and nobody sees what brought the mark."""

import contextlib
import json
from types import SimpleNamespace
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from shared.messaging.hanging_transactions import abort_hanging_transactions, hanging_transactions
from shared.messaging.topics import relay_offsets
from tests.support import wait_for


def producer_of(service: SimpleNamespace) -> Any:
    producer = KafkaProducer(
        bootstrap_servers=service.settings.kafka_bootstrap_servers,
        transactional_id=f"uso.{service.name}.relay",
        enable_idempotence=True,
        acks="all",
    )
    producer.init_transactions()
    return producer


def test_records_of_an_open_transaction_hang(service: SimpleNamespace) -> None:
    assert hanging_transactions(service.settings) == []
    producer = producer_of(service)
    producer.begin_transaction()
    producer.send(service.topic, key=b"k", value=b"{}", partition=1).get(20)
    assert [(transaction.topic, transaction.partition) for transaction in hanging_transactions(service.settings)] == [
        (service.topic, 1)
    ]
    producer.commit_transaction()
    wait_for(lambda: hanging_transactions(service.settings) == [])
    producer.close()


def test_the_mark_of_an_aborted_record_counts_for_all_that_is_open_before_it(
    service: SimpleNamespace, read_topic: Any
) -> None:
    producer = producer_of(service)
    producer.begin_transaction()
    producer.send(service.topic, key=b"k", value=b'{"hangs": true}', partition=1).get(20)
    abort_hanging_transactions(_InTheMiddle(producer), service.settings)
    assert read_topic(service.settings, service.topic) == []
    producer.begin_transaction()
    producer.send(service.topic, key=b"k", value=b'{"hangs": false}', partition=1)
    producer.commit_transaction()
    records = wait_for(lambda: read_topic(service.settings, service.topic))
    assert [json.loads(record.value) for record in records] == [{"hangs": False}]
    producer.close()


def test_a_relay_starts_the_same_whether_something_hangs_or_not(
    service: SimpleNamespace, write: Any, relaying: Any, read_topic: Any
) -> None:
    producer = producer_of(service)
    producer.begin_transaction()
    producer.send(relay_offsets(service.name), key=b"place", value=b"{}", partition=0).get(20)
    write(service, 5)
    with relaying(service):
        wait_for(lambda: len(read_topic(service.settings, service.topic)) == 5)
    with contextlib.suppress(KafkaError):  # it was fenced, as it had to be
        producer.close(timeout=5)


class _InTheMiddle:
    """A producer whose transaction is open already: what Kafka's missing marks make of the next one."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def begin_transaction(self) -> None:
        """It has begun."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

"""Hostile messages on every topic that a service reads: none keeps another from its effect.

`USO_HOSTILE_MESSAGES=500` tries as many of each type; `USO_HOSTILE_SEED` others.
"""

import os
import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from kafka import TopicPartition

from contracts import SERVICES
from shared.messaging.backoff import Backoff
from shared.messaging.consumer import Consumer
from shared.mongo.database import DEAD_LETTERS, Database
from shared.service import Service
from shared.settings import Settings
from tests.contracts.hostile import Record, examples, hostile

OF_EACH_TYPE = int(os.environ.get("USO_HOSTILE_MESSAGES", "2"))
SEED = int(os.environ.get("USO_HOSTILE_SEED", "12"))
BATCH = 10
PAUSES = 50


class WithoutKafka(Consumer):
    """A consumer that is handed its records, and does not wait before it tries again."""

    def __init__(self, db: Database, settings: Settings, service: Service) -> None:
        super().__init__(db, settings, service.subscriptions, stop=threading.Event())
        self.pauses = 0
        self.good: set[tuple[str, str]] = set()
        self._backoff = Backoff(None, self.stop, alive=lambda: None, takes_writes=lambda: True)
        self._backoff.pause = self._pause  # type: ignore[method-assign]
        self.limit.exceeded = lambda: None  # type: ignore[method-assign]
        self.positions.offsets = dict.fromkeys((TopicPartition(topic, 0) for topic in service.subscriptions), 0)

    def hand(self, records: Iterable[Record]) -> None:
        """Gives them their offsets and handles them. Fails when one of them is tried without end."""
        placed: list[Any] = []
        ends = {partition.topic: offset for partition, offset in self.offsets.items()}
        for record in records:
            placed.append(replace(record, offset=ends[record.topic]))
            if not record.is_hostile:
                self.good.add((record.topic, str(ends[record.topic])))
            ends[record.topic] += 1
        for start in range(0, len(placed), BATCH):
            self.pauses = 0
            self._work_off([placed[start : start + BATCH]])
        assert {partition.topic: offset for partition, offset in self.offsets.items()} == ends

    def _pause(self, _: float) -> None:
        self.pauses += 1
        if self.pauses > PAUSES * BATCH:
            pytest.fail("a message is tried without end")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_no_hostile_message_stops_another(
    service: Service, db_for: Callable[[str], Database], settings_for: Callable[..., Settings]
) -> None:
    rng = random.Random(SEED)
    db = db_for(service.name)
    service.prepare(db)
    consumer = WithoutKafka(db, settings_for(service.name), service)
    first, among, last = (examples(service, copy_number=number) for number in (1, 2, 3))
    bad = [hostile(record, rng) for record in first for _ in range(OF_EACH_TYPE)]
    mixed = [(rng.random(), record) for record in bad]
    mixed += [(position / len(among), record) for position, record in enumerate(among)]
    consumer.hand(first)
    consumer.hand(record for _, record in sorted(mixed, key=lambda each: each[0]))
    consumer.hand(last)
    letters = [letter["about"] for letter in db[DEAD_LETTERS].find()]
    assert consumer.good.isdisjoint((about["topic"], about["offset"]) for about in letters)
    assert letters, "none of them was hostile enough"
    assert {about["reason"].split(" ")[0] for about in letters} <= {
        "Not",
        "A",
        "`source`",
        "`sequence`",
        "`data.state`",
    }

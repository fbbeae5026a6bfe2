"""Round trips to MongoDB: the figure that does not depend on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient

from bench.baselines.consumer import EFFECTS
from bench.bench_stack import BenchStack
from bench.messages import records
from bench.rows import Row
from bench.scenarios.consumer import KINDS, consuming
from bench.scenarios.http_writes import organisation
from services.enrolment.app import SERVICE
from shared.ids import new_id
from shared.messaging.consumer import MAX_BATCH
from shared.messaging.topics import state_topic
from shared.mongo.database import Database
from tests.support import wait_for
from tests.support.round_trips import CommandLog


def measure(bench: BenchStack) -> Iterator[Row]:
    """CommandLog for a message in a full batch, and for an HTTP write."""
    count = 10 * MAX_BATCH
    topic = bench.name("bench.counted.")
    bench.topics([state_topic(topic)])
    bench.produce(topic, records(count, keys=count))
    for kind, handlers in KINDS.items():
        with _counted(bench) as (db, commands):
            db.prepare((), {EFFECTS: [], "copies": []})
            commands.names.clear()
            with consuming(bench, db, {topic: handlers}) as consumer:
                wait_for(lambda: sum(list(consumer.offsets.values())) >= count, seconds=60)
            each = len(commands.names) / count
        yield Row(path="round_trips", what=f"for a message: {kind}", unit="round trips", ours=[each])
    with _counted(bench) as (db, commands):
        SERVICE.prepare(db)
        client = SERVICE.app(bench.settings("enrolment"), db).test_client()
        headers = {"Authorization": f"Bearer {bench.token('coordinator')}"}
        for what, more in (("", {}), (" with Idempotency-Key", {"Idempotency-Key": new_id()})):
            asked = commands.during(
                lambda: client.post("/v1/organisations", json=organisation(1), headers=headers | more)  # noqa: B023
            )
            yield Row(path="round_trips", what=f"for an HTTP write{what}", unit="round trips", ours=[len(asked)])


@contextmanager
def _counted(bench: BenchStack) -> Iterator[tuple[Database, CommandLog]]:
    """An empty database, with its commands counted."""
    commands, name = CommandLog(), bench.name("counted")
    client: MongoClient[dict[str, Any]]
    with MongoClient(bench.mongodb_uri, tz_aware=True, event_listeners=[commands]) as client:
        yield Database(client, name), commands
        client.drop_database(name)

"""Round trips to MongoDB: the figure that does not depend on the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient

from bench.bare.consumer import EFFECTS
from bench.messages import records
from bench.paths.consumer import KINDS, consuming
from bench.paths.http_writes import organisation
from bench.rows import Row
from bench.surroundings import Surroundings
from services.enrolment.app import SERVICE
from shared.ids import new_id
from shared.messaging.consumer import MAX_BATCH
from shared.messaging.topics import state_topic
from shared.mongo.database import Database
from shared.testing import wait_for
from shared.testing.statements import Statements


def measure(around: Surroundings) -> Iterator[Row]:
    """Statements for a message in a full batch, and for an HTTP write."""
    count = 10 * MAX_BATCH
    topic = around.name("bench.counted.")
    around.topics([state_topic(topic)])
    around.produce(topic, records(count, keys=count))
    for kind, handlers in KINDS.items():
        with _counted(around) as (db, statements):
            db.prepare((), {EFFECTS: [], "copies": []})
            statements.names.clear()
            with consuming(around, db, {topic: handlers}) as consumer:
                wait_for(lambda: sum(list(consumer.offsets.values())) >= count, seconds=60)
            each = len(statements.names) / count
        yield Row(path="statements", what=f"for a message: {kind}", unit="round trips", ours=[each])
    with _counted(around) as (db, statements):
        SERVICE.prepare(db)
        client = SERVICE.app(around.settings("enrolment"), db).test_client()
        headers = {"Authorization": f"Bearer {around.token('coordinator')}"}
        for what, more in (("", {}), (" with Idempotency-Key", {"Idempotency-Key": new_id()})):
            asked = statements.of(
                lambda: client.post("/v1/organisations", json=organisation(1), headers=headers | more)  # noqa: B023
            )
            yield Row(path="statements", what=f"for an HTTP write{what}", unit="round trips", ours=[len(asked)])


@contextmanager
def _counted(around: Surroundings) -> Iterator[tuple[Database, Statements]]:
    """An empty database, with its statements counted."""
    statements, name = Statements(), around.name("counted")
    client: MongoClient[dict[str, Any]]
    with MongoClient(around.mongodb_uri, tz_aware=True, event_listeners=[statements]) as client:
        yield Database(client, name), statements
        client.drop_database(name)

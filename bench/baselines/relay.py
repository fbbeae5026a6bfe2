"""The relay's work by hand: change stream to Kafka, as fast as it reasonably goes."""

from collections.abc import Iterator, Sequence
from typing import Any

from kafka import KafkaProducer

from bench.baselines.consumer import Pace
from shared.mongo.database import Database

BATCH = 2000


def producer(servers: list[str], *, transactional_id: str | None = None) -> Any:
    """A bare producer with the options that make it fast and lose nothing."""
    made = KafkaProducer(
        bootstrap_servers=servers,
        enable_idempotence=True,
        acks="all",
        batch_size=131072,
        linger_ms=0,
        retry_backoff_ms=5,
        max_request_size=8_000_000,
        **({"transactional_id": transactional_id} if transactional_id else {}),
    )
    if transactional_id:
        made.init_transactions()
    return made


def follow(db: Database, collection: str, *, after: Any, count: int | None) -> Iterator[list[dict[str, Any]]]:
    """The documents that were inserted after the operation time or token `after`, as a change stream brings them."""
    start = {"startAtOperationTime": after}
    pipeline = [
        {"$changeStream": start},
        {"$match": {"operationType": "insert"}},
        {"$project": {"_id": 1, "fullDocument": 1}},
    ]
    command: dict[str, Any] = {"aggregate": collection, "pipeline": pipeline, "cursor": {"batchSize": BATCH}}
    with db.client.start_session() as session:
        while count is None or count > 0:
            reply = db.raw.command(command, session=session, codec_options=db.raw.codec_options)["cursor"]
            rows = reply.get("firstBatch", reply.get("nextBatch"))
            command = {"getMore": reply["id"], "collection": collection, "batchSize": BATCH, "maxTimeMS": 500}
            if rows:
                count = None if count is None else count - len(rows)
                yield [row["fullDocument"] for row in rows]


def carry(made: Any, rows: Sequence[dict[str, Any]], *, transaction: bool) -> None:
    """Sends the rows and waits until Kafka has them."""
    if transaction:
        made.begin_transaction()
    for row in rows:
        headers = [(name, bytes(content)) for name, content in row["headers"]]
        made.send(row["topic"], key=row["key"].encode(), value=row["value"], headers=headers)
    made.flush()
    if transaction:
        made.commit_transaction()


def paced(batches: Iterator[Sequence[dict[str, Any]]], made: Any, *, transaction: bool) -> float:
    """Messages a second."""
    pace = Pace()
    for rows in batches:
        carry(made, rows, transaction=transaction)
        pace.count(len(rows))
    made.close(timeout=5)
    return pace.per_second

"""The same batches in FastStream, with pymongo's asynchronous client: its own way of doing it."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

from faststream.kafka import KafkaBroker, TopicPartition
from faststream.kafka.annotations import KafkaMessage
from pymongo import AsyncMongoClient, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from bench.baselines.consumer import EFFECTS, OFFSETS, SEEN, Pace, effect_of

logging.getLogger("aiokafka").setLevel("ERROR")


def batches(
    *, servers: list[str], uri: str, database: str, topic: str, partitions: int, count: int, at_most: int
) -> float:
    """Messages a second of seen ids, effects and offsets, one transaction a batch."""
    return asyncio.run(_run(servers, uri, database, topic, partitions, count, at_most))


async def _run(
    servers: list[str], uri: str, database: str, topic: str, partitions: int, count: int, at_most: int
) -> float:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri, tz_aware=True)
    db = client.get_database(database, write_concern=WriteConcern("majority"))
    broker = KafkaBroker(servers, logger=None)
    pace, done = Pace(), asyncio.Event()

    @broker.subscriber(
        partitions=[TopicPartition(topic, number) for number in range(partitions)],
        batch=True,
        max_records=at_most,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    async def handle(documents: list[Any], message: KafkaMessage) -> None:
        now = datetime.now(UTC)
        offsets = {f"{record.topic}/{record.partition}": record.offset + 1 for record in message.raw_message}

        async def work(session: AsyncClientSession) -> None:
            moves = [
                UpdateOne({"_id": name}, {"$set": {"next": offset}}, upsert=True) for name, offset in offsets.items()
            ]
            await db[OFFSETS].bulk_write(moves, session=session)
            await db[SEEN].insert_many([{"_id": document["id"], "at": now} for document in documents], session=session)
            await db[EFFECTS].insert_many([effect_of(document) for document in documents], session=session)

        async with client.start_session() as session:
            await session.with_transaction(
                work, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
            )
        pace.count(len(documents))
        if pace.done >= count:
            done.set()

    await broker.start()
    try:
        await asyncio.wait_for(done.wait(), 120)
    finally:
        await broker.stop()
        await client.close()
    return pace.per_second

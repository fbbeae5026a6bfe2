"""A subscriber in FastStream: prints what becomes of workshops' days.

KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 python examples/subscriber_faststream.py [--once]
"""

import argparse
import asyncio
import json
import os
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaMessage

TOPIC = "uso.enrolment.workshop-days.v1"

parser = argparse.ArgumentParser(description="Prints what becomes of workshops' days.")
parser.add_argument("--once", action="store_true", help="end when everything up to now has been read")
parser.add_argument("--group", default="example-faststream", help="the consumer group, a name of your own")
options = parser.parse_args()
broker = KafkaBroker(os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","), logger=None)
app = FastStream(broker, logger=None)
newest: dict[str, int] = {}


@broker.subscriber(
    TOPIC,
    group_id=options.group,
    isolation_level="read_committed",
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.NACK_ON_ERROR,  # the place is committed when the message has had its effect
)
async def take(message: KafkaMessage) -> None:
    value = message.raw_message.value
    if value is None:  # a tombstone
        return
    document: dict[str, Any] = json.loads(value)
    state, change = document["data"]["state"], document["data"]["change"]
    if document["sequence"] <= newest.get(state["id"], 0):
        return
    newest[state["id"]] = document["sequence"]
    kind = document["type"].removeprefix("fi.uso.workshop_days.")
    print(f"{state['id']}: {kind} {change.get('half_days', 0)}, {state['available']} half days left", flush=True)


@app.after_startup
async def end_when_caught_up() -> None:
    if options.once:
        app.context.set_global("watch", asyncio.create_task(_watch()))


async def _watch() -> None:
    [subscriber] = broker.subscribers
    consumer = subscriber.consumer
    while True:
        partitions = consumer.assignment()
        ends = await consumer.end_offsets(partitions)
        if partitions and all([await consumer.position(partition) >= ends[partition] for partition in partitions]):
            app.exit()
            return
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    asyncio.run(app.run())

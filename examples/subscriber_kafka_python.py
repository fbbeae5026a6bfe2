"""A good subscriber: says when an enrolment becomes active, once for each, however often it hears of it.

    KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 python examples/subscriber_kafka_python.py [--once]

Several may run at once: Kafka shares the partitions out among them.
"""

import argparse
import json
import os
import sqlite3
from typing import Any

from kafka import KafkaConsumer

TOPIC = "uso.enrolment.enrolments.v1"


def main() -> None:
    parser = argparse.ArgumentParser(description="Says when an enrolment becomes active.")
    parser.add_argument("--once", action="store_true", help="end when everything up to now has been read")
    parser.add_argument("--group", default="example-subscriber", help="the consumer group, a name of your own")
    parser.add_argument("--seen", default="seen.sqlite", help="where it remembers which messages had their effect")
    options = parser.parse_args()
    seen = sqlite3.connect(options.seen)
    seen.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)")
    consumer = KafkaConsumer(
        TOPIC,
        bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
        group_id=options.group,
        isolation_level="read_committed",  # what was never committed is on the topic too
        auto_offset_reset="earliest",  # a new group begins at the beginning, not with what comes next
        enable_auto_commit=False,  # the place is committed after the effect, never before it
        allow_auto_create_topics=False,
    )
    while True:
        polled = consumer.poll(timeout_ms=500)
        for records in polled.values():
            for record in records:
                if record.value is not None:  # None would be a tombstone: delete what you hold under its key
                    take(json.loads(record.value), seen)
        if polled:
            consumer.commit()
        if options.once and is_at_the_end(consumer):
            consumer.close()
            return


def take(message: dict[str, Any], seen: sqlite3.Connection) -> None:
    """The effect and the note that it came, together. Types that are not for us, and fields, are passed over."""
    if message["type"] != "fi.uso.enrolment.transitioned" or message["data"]["change"]["to"] != "active":
        return
    with seen:
        if seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (message["id"],)).rowcount:
            state = message["data"]["state"]
            print(f"enrolment {state['id']} of organisation {state['organisation_id']} is active", flush=True)


def is_at_the_end(consumer: KafkaConsumer) -> bool:
    partitions = consumer.assignment()
    ends = consumer.end_offsets(list(partitions))
    return bool(partitions) and all(consumer.position(partition) >= ends[partition] for partition in partitions)


if __name__ == "__main__":
    main()

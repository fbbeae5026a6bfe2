"""A starter: keeps an up-to-date copy of some topics in SQLite, one row for each key. Copy it and change it.

    KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 python examples/local_copy.py copy.sqlite [--once]

Rows and places are written in one transaction, so a row is never lost or old, wherever it is interrupted.
    sqlite3 copy.sqlite "SELECT state ->> 'name' FROM copy WHERE topic = 'uso.enrolment.organisations.v1'"
"""

import json
import os
import sqlite3
import sys

from kafka import KafkaConsumer, TopicPartition

TOPICS = ("uso.enrolment.organisations.v1", "uso.enrolment.seasons.v1", "uso.enrolment.enrolments.v1")
NEWER = (
    "ON CONFLICT DO UPDATE SET sequence = excluded.sequence, state = excluded.state WHERE excluded.sequence > sequence"
)

db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE IF NOT EXISTS copy (topic, key, sequence, state, PRIMARY KEY (topic, key))")
db.execute("CREATE TABLE IF NOT EXISTS places (topic, partition, next, PRIMARY KEY (topic, partition))")
places = {TopicPartition(topic, partition): next for topic, partition, next in db.execute("SELECT * FROM places")}
consumer = KafkaConsumer(
    bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(","),
    isolation_level="read_committed",
    enable_auto_commit=False,
    allow_auto_create_topics=False,
)
partitions = [TopicPartition(topic, number) for topic in TOPICS for number in consumer.partitions_for_topic(topic)]
consumer.assign(partitions)
consumer.seek_to_beginning(*partitions)
for partition in set(partitions) & set(places):
    consumer.seek(partition, places[partition])
ends = consumer.end_offsets(partitions)
while "--once" not in sys.argv or any(consumer.position(partition) < ends[partition] for partition in partitions):
    for records in consumer.poll(timeout_ms=500).values():
        for record in records:
            # A tombstone: the state goes, and nothing older brings it back.
            sequence, state = 2**53, None
            if record.value is not None:
                message = json.loads(record.value)
                sequence, state = message["sequence"], json.dumps(message["data"]["state"])
            row = (record.topic, record.key.decode(), sequence, state)
            db.execute(f"INSERT INTO copy VALUES (?, ?, ?, ?) {NEWER}", row)  # noqa: S608 - no value stands in it
    rows = [(partition.topic, partition.partition, consumer.position(partition)) for partition in partitions]
    db.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", rows)
    db.commit()

"""`python -m bench.baselines relay|consumer|mail`: the processes of the hand-made chains."""

import os
import sys
from typing import Any

from kafka import KafkaConsumer

from bench.baselines import mail, relay
from shared.mongo.database import Database, connect


def run_relay(db: Database, servers: list[str]) -> None:
    """Change stream → idempotent producer, for good."""
    made = relay.producer(servers)
    start: Any = db.raw.command("ping")["operationTime"]
    for rows in relay.follow(db, "outbox", after=start, count=None):
        relay.carry(made, rows, transaction=False)


def run_consumer(db: Database, servers: list[str]) -> None:
    """Kafka → one insert a message, for good."""
    consumer = KafkaConsumer(
        os.environ["BENCH_TOPIC"],
        bootstrap_servers=servers,
        group_id=os.environ["BENCH_TOPIC"],
        auto_offset_reset="earliest",
        enable_auto_commit=True,
        fetch_max_wait_ms=20,
    )
    for record in consumer:
        db["copies"].insert_one({"_id": record.key.decode(), "value": record.value})


if __name__ == "__main__":
    if sys.argv[1] == "mail":
        mail.run()
    else:
        database = connect(os.environ["MONGODB_URI"], os.environ["MONGODB_DATABASE"])
        {"relay": run_relay, "consumer": run_consumer}[sys.argv[1]](
            database, os.environ["KAFKA_BOOTSTRAP_SERVERS"].split(",")
        )

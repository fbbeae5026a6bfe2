"""`python -m bench.worker SERVICE TOPIC`: a worker process with one copy and one policy."""

import gc
import os
import signal
import sys
import threading

from bench.scenarios.consumer import KINDS
from shared.messaging.consumer import Consumer
from shared.mongo.database import connect
from shared.settings import read_settings


def main(service: str, topic: str) -> None:
    """Consumes until SIGTERM."""
    settings = read_settings(service)
    db = connect(settings.mongodb_uri, settings.mongodb_database)
    gc.collect()
    gc.freeze()  # as a service's processes do
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    consumer = Consumer(db, settings, {topic: KINDS["copy and policy"]}, stop=stop)
    consumer.run()


if __name__ == "__main__":
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    main(*sys.argv[1:])

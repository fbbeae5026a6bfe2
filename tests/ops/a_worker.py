"""A worker's process that takes one job: `python -m tests.ops.a_worker <settings as JSON>`."""

import json
import sys
import threading

from ops.extension import OPERATIONS
from ops.worker import work_on_one
from shared.mongo.database import connect
from shared.settings import Settings
from tests.ops.things import Mood, things

if __name__ == "__main__":
    settings = Settings(**json.loads(sys.argv[1]))
    db = connect(settings.mongodb_uri, settings.mongodb_database, process=settings.process_name)
    work_on_one(OPERATIONS.context(things(settings.service, Mood()), settings, db), threading.Event())

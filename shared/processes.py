"""The three kinds of process of a service: api, worker and relay, each run by `python -m services.<name> <role>`."""

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from kafka.errors import KafkaError
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from shared.messaging.absence import report_absence
from shared.messaging.consumer import Consumer, Halted
from shared.messaging.relay import Relay
from shared.messaging.subscriptions import Subscriptions
from shared.messaging.topics import Topic, ensure_topics, missing_topics, service_topics
from shared.mongo.database import LEASES, Database
from shared.periodic import PeriodicTask, TaskHealth
from shared.settings import Settings
from shared.telemetry.admin import Checks, start_admin_server
from shared.telemetry.logs import configure_logs, get_logger
from shared.telemetry.metrics import RELAY_LEADS

log = get_logger(__name__)

LEASE_SECONDS = 6.0
STOP_SECONDS = 10.0
STUCK_SECONDS = 120
# A client of its own each time: often enough for a figure that is compared with hours.
ABSENCE_LOOK_SECONDS = 60.0


def run_api(settings: Settings, app: str) -> None:
    """Becomes gunicorn serving `app` (`module:factory()`), its metrics on the admin port."""
    os.environ.setdefault("USO_SERVICE", settings.service)
    arguments = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config=python:shared.http.gunicorn_conf",
        f"--bind={settings.http_host}:{settings.http_port}",
        f"--workers={settings.http_workers}",
        f"--threads={settings.http_threads}",
        app,
    ]
    os.execv(sys.executable, arguments)  # noqa: S606 - our own interpreter


def run_worker(
    settings: Settings,
    db: Database,
    *,
    prepare: Callable[[], None],
    subscriptions: Subscriptions,
    tasks: Sequence[PeriodicTask] = (),
) -> None:
    """Consumes `subscriptions` and runs `tasks` until SIGTERM or SIGINT, then finishes the batch and exits."""
    stop = _begin(settings)
    consumer = Consumer(db, settings, subscriptions, stop=stop, alive=_watch)
    health = TaskHealth()
    checks = {"mongodb": db.ping, "consumer": consumer.check, "tasks": health.check}
    start_admin_server(settings.admin_host, settings.admin_port, checks)
    _until_done(prepare, stop)
    _until_done(lambda: _topics_exist(subscriptions, settings), stop)
    threads = [
        threading.Thread(target=_repeat, args=(task, stop, health), name=task.name, daemon=True) for task in tasks
    ]
    for thread in threads:
        thread.start()
    attempt = 0
    while not stop.is_set():
        try:
            consumer.run()
        except Halted:
            break
        except KafkaError as error:
            attempt += 1
            log.warning("waiting for Kafka", attempt=attempt, error=type(error).__name__)
            stop.wait(min(5.0, 0.1 * 2 ** min(attempt, 6)))
    for task in tasks:
        task.stop()
    deadline = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def run_relay(settings: Settings, db: Database, *, prepare: Callable[[], None], topics: Iterable[Topic]) -> None:
    """Makes the service's topics and relays its outbox while it holds the lease. Ends with 1 on any failure."""
    stop = _begin(settings)
    state = {"ready": "starting"}

    def check() -> None:
        if state["ready"] != "ok":
            raise RuntimeError(state["ready"])

    start_admin_server(settings.admin_host, settings.admin_port, {"mongodb": db.ping, "relay": check})
    _until_done(prepare, stop)
    owned = [*topics, *service_topics(settings.service)]
    _until_done(lambda: ensure_topics(owned, settings), stop)
    threading.Thread(target=_report_absence, args=(db, settings, stop), name="absence", daemon=True).start()
    lease = Lease(db, f"{settings.service}-relay", settings.process_name)
    while not stop.is_set():
        state["ready"] = "ok"
        if not _attempt(lease.take):
            stop.wait(0.5)
            continue
        RELAY_LEADS.labels(settings.service).set(1)
        relay = Relay(db, settings, alive=_watch)
        lease.reached = lambda: relay.reached  # noqa: B023 - of the relay that runs now
        renewal = threading.Thread(target=lease.keep, args=(stop,), name="lease", daemon=True)
        renewal.start()
        try:
            relay.run(lambda: not stop.is_set() and lease.held)
        except Exception as error:
            log.exception("relay failed, starting over", error=type(error).__name__)
            logging_shutdown()
            os._exit(1)  # no thread or buffer of the failed producer may outlive this
        faulthandler.cancel_dump_traceback_later()
        RELAY_LEADS.labels(settings.service).set(0)
    lease.give_up()


class Lease:
    """Who leads: a row that is renewed every second and runs out after six.

    It saves two relays from fencing each other in turns; it does not make writing safe, Kafka does.
    """

    def __init__(self, db: Database, name: str, holder: str) -> None:
        self.db = db
        self.name = name
        self.holder = holder
        self.held = False
        self.reached: Callable[[], str | None] = lambda: None

    def take(self) -> bool:
        """Takes or renews the lease if it is free, run out or ours. MongoDB's clock decides, not this machine's."""
        free = {"$or": [{"$eq": ["$holder", self.holder]}, {"$lt": ["$until", "$$NOW"]}]}
        until = {"$add": ["$$NOW", round(LEASE_SECONDS * 1000)]}
        mine = {"holder": {"$literal": self.holder}, "until": until, **self._reached()}
        change = {name: {"$cond": [free, value, f"${name}"]} for name, value in mine.items()}
        try:
            lease = self.db[LEASES].find_one_and_update(
                {"_id": self.name}, [{"$set": change}], upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:  # another was quicker to make it
            self.held = False
        else:
            self.held = lease is not None and lease["holder"] == self.holder
        return self.held

    def _reached(self) -> dict[str, Any]:
        """How far the relay is, for the operator to see; it rides on the renewal, so it costs nothing."""
        reached = self.reached()
        return {} if reached is None else {"reached": {"$max": ["$reached", reached]}, "noted_at": "$$NOW"}

    def keep(self, stop: threading.Event) -> None:
        """Renews until it is lost or `stop` is set."""
        renewed = time.monotonic()
        while self.held and not stop.wait(LEASE_SECONDS / 6):
            if _attempt(self.take):
                renewed = time.monotonic()
            elif time.monotonic() - renewed > LEASE_SECONDS:
                self.held = False

    def give_up(self) -> None:
        """Lets another take over at once."""
        free = [{"$set": {"until": {"$subtract": ["$$NOW", 1000]}, **self._reached()}}]
        _attempt(lambda: bool(self.db[LEASES].update_one({"_id": self.name, "holder": self.holder}, free)))


def _begin(settings: Settings) -> threading.Event:
    configure_logs(service=settings.service, process=settings.process_name, level=settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("process started", pid=os.getpid())
    return stop


# Whoever is stuck for two minutes leaves all threads' stacks in the log, and its place to a new process: a relay
# that hangs would hold its lease for good, since a thread of its own renews it.
_watch = partial(faulthandler.dump_traceback_later, STUCK_SECONDS, exit=True)


def _attempt(action: Callable[[], bool]) -> bool:
    try:
        return action()
    except PyMongoError as error:
        log.warning("the lease could not be reached", error=type(error).__name__)
        return False


def _until_done(action: Callable[[], None], stop: threading.Event) -> None:
    """Repeats `action` with back-off for as long as MongoDB or Kafka is away, or something is missing."""
    attempt = 0
    while not stop.is_set():
        try:
            action()
            return
        except (PyMongoError, KafkaError, LookupError, OSError) as error:
            attempt += 1
            log.warning("not ready to start", attempt=attempt, error=type(error).__name__, why=str(error)[:300])
            stop.wait(min(2.0, 0.1 * 2 ** min(attempt, 5)))


def _report_absence(db: Database, settings: Settings, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            report_absence(db, settings)
        except (PyMongoError, KafkaError) as error:
            log.info("not known what waits for the workers", error=type(error).__name__)
        stop.wait(ABSENCE_LOOK_SECONDS)


def _topics_exist(subscriptions: Subscriptions, settings: Settings) -> None:
    missing = missing_topics(subscriptions, settings)
    if missing:
        raise LookupError(
            f"missing, or no right to see it: {', '.join(missing)} (the relays of the services that own them make them)"
        )


def _repeat(task: PeriodicTask, stop: threading.Event, health: TaskHealth) -> None:
    attempt = 0
    while not stop.is_set():
        try:
            busy = task.run()
            attempt = 0
            health.succeeded(task.name)
        except Exception as error:  # the task goes on; what it could not do now is still due
            attempt += 1
            health.failed(task.name, error)
            log.exception("task failed", task=task.name, error=type(error).__name__)
            stop.wait(min(10.0, 0.2 * 2 ** min(attempt, 6)))
            continue
        if not busy:
            stop.wait(task.every)


def logging_shutdown() -> None:
    """Writes out what the log still holds."""
    import logging

    logging.shutdown()


__all__ = ["Checks", "run_api", "run_relay", "run_worker"]

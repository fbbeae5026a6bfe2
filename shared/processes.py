"""The three kinds of process of a service: api, worker and relay, each run by `python -m services.<name> <role>`."""

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from kafka.errors import KafkaError
from pymongo.errors import PyMongoError

from shared.backoff import backoff
from shared.lease import Lease, relay_lease, unique_holder
from shared.messaging.absence import report_absence
from shared.messaging.consumer import Consumer, Halted
from shared.messaging.relay import Relay
from shared.messaging.subscriptions import Subscriptions
from shared.messaging.topics import Topic, ensure_topics, service_topics
from shared.mongo.database import Database
from shared.periodic import Bell, PeriodicTask, TaskHealth, repeat
from shared.settings import Settings
from shared.telemetry.admin import Checks, start_admin_server
from shared.telemetry.logs import configure_logs, get_logger
from shared.telemetry.metrics import RELAY_LEADS
from shared.telemetry.metrics_directory import empty_metrics_directory
from shared.telemetry.spans import SPANS

log = get_logger(__name__)

STOP_SECONDS = 10.0
STUCK_SECONDS = 120
# Each measurement makes a client of its own. The figure is compared with hours, so this is often enough.
ABSENCE_LOOK_SECONDS = 60.0


def run_api(settings: Settings, app: str) -> None:
    """Becomes gunicorn serving `app` (`module:factory()`), its metrics on the admin port."""
    os.environ.setdefault("USO_SERVICE", settings.service)
    empty_metrics_directory()
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
    bell = Bell()
    consumer = Consumer(db, settings, subscriptions, stop=stop, alive=_watch, applied=bell.ring)
    health = TaskHealth()
    checks = {"mongodb": db.ping, "consumer": consumer.check, "tasks": health.check}
    start_admin_server(settings.admin_host, settings.admin_port, checks)
    _until_done(prepare, stop)
    threads = [
        threading.Thread(target=repeat, args=(task, stop, health, bell), name=task.name, daemon=True) for task in tasks
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
            stop.wait(backoff(attempt, first=0.2, most=5.0))
    for task in tasks:
        task.stop()
    bell.ring()
    deadline = time.monotonic() + STOP_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def run_relay(settings: Settings, db: Database, *, prepare: Callable[[], None], topics: Iterable[Topic]) -> None:
    """Makes the service's topics and relays its outbox while it holds the lease. Ends with 1 on any failure."""
    stop = _begin(settings)
    state = _RelayState()

    start_admin_server(settings.admin_host, settings.admin_port, {"mongodb": db.ping, "relay": state.check})
    _until_done(prepare, stop)
    owned = [*topics, *service_topics(settings.service)]
    _until_done(lambda: ensure_topics(owned, settings), stop, failed=state.failed)
    threading.Thread(target=_report_absence, args=(db, settings, stop), name="absence", daemon=True).start()
    lease = Lease(db, relay_lease(settings.service), unique_holder(settings.process_name))
    while not stop.is_set():
        state.why_not = None
        if not lease.attempt():
            stop.wait(0.5)
            continue
        RELAY_LEADS.labels(settings.service).set(1)
        relay = state.relay = Relay(db, settings, alive=_watch)
        lease.reached = lambda: relay.reached  # noqa: B023 - of the relay that runs now
        renewal = threading.Thread(target=lease.keep, args=(stop,), name="lease", daemon=True)
        renewal.start()
        try:
            relay.run(lambda: not stop.is_set() and lease.held)
        except Exception as error:
            log.exception("relay failed, starting over", error=type(error).__name__)
            logging_shutdown()
            os._exit(1)  # the process ends, so that no thread or buffer of the failed producer outlives it
        faulthandler.cancel_dump_traceback_later()
        RELAY_LEADS.labels(settings.service).set(0)
    lease.give_up()


class _RelayState:
    """The check of the relay for `/readyz`."""

    def __init__(self) -> None:
        self.why_not: str | None = "It is starting."
        self.relay: Relay | None = None

    def failed(self, error: Exception) -> None:
        self.why_not = str(error)

    def check(self) -> None:
        """Raises when the relay has stopped, or cannot send a row."""
        if self.why_not:
            raise RuntimeError(self.why_not)
        if self.relay and self.relay.blocked_by:
            raise RuntimeError(f"It cannot send the row {self.relay.blocked_by}.")


def _begin(settings: Settings) -> threading.Event:
    configure_logs(service=settings.service, process=settings.process_name, level=settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    SPANS.export(settings.otlp_endpoint, service=settings.service, process=settings.process_name)
    log.info("process started", pid=os.getpid())
    return stop


# A process without progress for two minutes dumps all stacks and exits, so that another process can take over. A
# hanging relay would otherwise renew its lease for ever, from the lease's own thread.
_watch = partial(faulthandler.dump_traceback_later, STUCK_SECONDS, exit=True)


def _until_done(
    action: Callable[[], None], stop: threading.Event, *, failed: Callable[[Exception], None] = lambda _: None
) -> None:
    """Repeats `action` with back-off while MongoDB or Kafka is away, or a topic is missing."""
    attempt = 0
    while not stop.is_set():
        try:
            action()
            return
        except (PyMongoError, KafkaError, LookupError, OSError) as error:
            attempt += 1
            failed(error)
            log.warning("not ready to start", attempt=attempt, error=type(error).__name__, why=str(error)[:500])
            stop.wait(backoff(attempt, first=0.2, most=2.0))


def _report_absence(db: Database, settings: Settings, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            report_absence(db, settings)
        except (PyMongoError, KafkaError) as error:
            log.info("the age of unread messages is unknown", error=type(error).__name__)
        stop.wait(ABSENCE_LOOK_SECONDS)


def logging_shutdown() -> None:
    """Flushes the log's handlers."""
    import logging

    logging.shutdown()


__all__ = ["Checks", "run_api", "run_relay", "run_worker"]

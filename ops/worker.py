"""The operators' periodic tasks of every worker: jobs, one after another, and gauges."""

import threading
import time
import traceback

from prometheus_client import Gauge

from ops.check import check
from ops.context import OpsContext
from ops.dead_letters import redrive_many
from ops.jobs import CannotSucceed, Job, LeaseLost, ShuttingDown, claim, is_transient
from ops.outbox import outbox
from ops.rebuild import forget, rebuild
from ops.replay import replay
from ops.republish import republish
from shared.mongo.database import DEAD_LETTERS
from shared.periodic import PeriodicTask
from shared.telemetry.logs import get_logger

log = get_logger(__name__)

KINDS = {"rebuild": rebuild, "replay": replay, "check": check, "redrive": redrive_many, "republish": republish}

OUTBOX_DEPTH = Gauge("uso_outbox_depth", "Messages that wait for the relay", ["service"], multiprocess_mode="max")
OUTBOX_AGE = Gauge("uso_outbox_oldest_seconds", "Age of the oldest of them", ["service"], multiprocess_mode="max")
DEAD = Gauge(
    "uso_dead_letters", "Dead letters that are neither redriven nor discarded", ["service"], multiprocess_mode="max"
)
# Prometheus asks every ten to thirty seconds.
GAUGES_EVERY = 5.0


def tasks(context: OpsContext) -> list[PeriodicTask]:
    """The periodic tasks."""
    stop = threading.Event()
    return [
        PeriodicTask(name="operator's jobs", run=lambda: work_on_one(context, stop), every=0.5, stop=stop.set),
        PeriodicTask(name="operator's gauges", run=lambda: show_gauges(context), every=GAUGES_EVERY),
    ]


def work_on_one(context: OpsContext, stop: threading.Event) -> bool:
    """Runs the oldest job that waits or whose worker has died. Returns False when there is none."""
    job = claim(context.db, context.settings.process_name, stop)
    if job is None:
        return False
    log.info("operator's job", kind=job["kind"], of=job["of"], job=job["_id"], claim=job["claim"])
    try:
        _take_on(job, context)
    except LeaseLost:
        log.warning("another worker has taken the job over", job=job["_id"])
    except ShuttingDown:
        job.release()
    except Exception as error:  # noqa: BLE001 - the job is returned; another worker may do better
        job.release(error)
        if isinstance(error, CannotSucceed):
            log.error("operator's job failed", job=job["_id"], why=str(error))  # noqa: TRY400 - no trace is needed
            _tidy_up(job, context)
        elif is_transient(error):
            log.warning("operator's job waits", job=job["_id"], error=type(error).__name__, why=str(error)[:300])
        else:
            # The text of a failed write quotes documents, and so people: only its class and line of code are logged.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{frame.filename}:{frame.lineno}"
            log.error("operator's job failed", job=job["_id"], error=type(error).__name__, where=where)  # noqa: TRY400
    return True


def _take_on(job: Job, context: OpsContext) -> None:
    started = time.monotonic()
    KINDS[job["kind"]](job, context)
    log.info("operator's job done", job=job["_id"], read=job["read"], seconds=round(time.monotonic() - started, 1))
    _tidy_up(job, context)


def _tidy_up(job: Job, context: OpsContext) -> None:
    if job["kind"] == "rebuild":
        forget(context, job["of"])


def show_gauges(context: OpsContext) -> bool:
    """Counts the waiting rows and the dead letters, for Prometheus."""
    service = context.service
    waiting = outbox(context.db, service)
    OUTBOX_DEPTH.labels(service).set(waiting["depth"])
    OUTBOX_AGE.labels(service).set(waiting["oldest_seconds"])
    DEAD.labels(service).set(context.db[DEAD_LETTERS].count_documents({"state": "dead"}))
    return False

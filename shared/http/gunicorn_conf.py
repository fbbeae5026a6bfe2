"""gunicorn for all our api processes; ports, workers and threads come from the command line."""

import os
from functools import cache
from typing import Any

from prometheus_client import multiprocess

from shared.mongo.database import Database, connect
from shared.settings import Settings, read_settings
from shared.telemetry.admin import Checks, start_admin_server
from shared.telemetry.logs import configure_logs

logger_class = "shared.http.gunicorn_logger.Lines"
worker_class = "shared.http.gunicorn_worker.Worker"
reuse_port = True
graceful_timeout = 8
timeout = 60
keepalive = 75
accesslog = None
backlog = 2048
max_requests = 0
# Connections that one worker holds, idle ones and half requests included; the rest wait in the backlog.
worker_connections = 1000
# No request sets the address prefix or the scheme: gunicorn would take both from any proxy on loopback.
forwarder_headers = ""
forwarded_allow_ips = ""
limit_request_line = 8190
control_socket_disable = True


def when_ready(server: Any) -> None:
    settings = read_settings(os.environ["USO_SERVICE"])
    start_admin_server(settings.admin_host, settings.admin_port, _checks(settings, server))


def _checks(settings: Settings, server: Any) -> Checks:
    """The checks of /readyz on the admin port. They run in gunicorn's parent, so busy threads do not delay them."""

    def workers() -> None:
        if not server.WORKERS:
            raise RuntimeError("no worker runs")

    @cache
    def database() -> Database:  # made by the first probe: a client must not be older than the fork of the workers
        return connect(settings.mongodb_uri, settings.mongodb_database, process=f"{settings.process_name}-admin")

    return {"mongodb": lambda: database().ping(), "workers": workers}


def post_fork(server: Any, worker: Any) -> None:
    settings = read_settings(os.environ["USO_SERVICE"])
    configure_logs(service=settings.service, process=settings.process_name, level=settings.log_level)


def child_exit(server: Any, worker: Any) -> None:
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

"""gunicorn for all our api processes; ports, workers and threads come from the command line."""

import os
from typing import Any

from prometheus_client import multiprocess

from shared.settings import read_settings
from shared.telemetry.admin import start_admin_server
from shared.telemetry.logs import configure_logs

worker_class = "shared.http.gunicorn_worker.Worker"
reuse_port = True
graceful_timeout = 8
timeout = 60
keepalive = 75
accesslog = None
backlog = 2048
max_requests = 0
control_socket_disable = True


def on_starting(server: Any) -> None:
    settings = read_settings(os.environ["USO_SERVICE"])
    configure_logs(service=settings.service, process=settings.process_name, level=settings.log_level)


def when_ready(server: Any) -> None:
    settings = read_settings(os.environ["USO_SERVICE"])
    start_admin_server(settings.admin_host, settings.admin_port, {})


def post_fork(server: Any, worker: Any) -> None:
    settings = read_settings(os.environ["USO_SERVICE"])
    configure_logs(service=settings.service, process=settings.process_name, level=settings.log_level)


def child_exit(server: Any, worker: Any) -> None:
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]

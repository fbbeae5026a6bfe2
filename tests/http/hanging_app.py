"""An app whose `/hang` never answers, and gunicorn's worker with a shorter patience."""

import os
import threading
from collections.abc import Iterable
from typing import Any

from shared.http import gunicorn_worker


class Worker(gunicorn_worker.Worker):
    hung_seconds = 1.0


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/hang":
        threading.Event().wait()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]

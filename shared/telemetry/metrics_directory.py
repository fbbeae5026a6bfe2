"""The folder in which gunicorn's workers share their metrics with the process that shows them."""

import os
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def empty_metrics_directory() -> None:
    """Makes the folder (the process's own, unless the environment names one) and removes old files from it.

    A container that starts again in its pod finds its folder as it was: sums would go on from dead processes' figures,
    and a file for each process would stay for good.
    """
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = tempfile.mkdtemp(prefix="uso-metrics-")
    directory = Path(os.environ[VARIABLE])
    directory.mkdir(parents=True, exist_ok=True)
    for left in directory.glob("*.db"):
        left.unlink(missing_ok=True)

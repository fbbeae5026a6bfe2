"""gunicorn's own lines in the form of ours."""

import logging
import os
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from shared.settings import read_settings
from shared.telemetry.logs import configure_logs


class Lines(Logger):  # type: ignore[misc]
    """Hands gunicorn's lines on to the root logger, which writes JSON."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        settings = read_settings(os.environ["USO_SERVICE"])
        configure_logs(service=settings.service, process=settings.process_name, level=settings.log_level)
        lines = logging.getLogger("gunicorn.error")
        lines.handlers = []
        lines.propagate = True

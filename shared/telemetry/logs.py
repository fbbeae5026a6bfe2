"""Structured logs on standard error: a JSON object a line, with request and trace ids, without personal data."""

import logging
import sys
import traceback
from typing import Any

import structlog

QUOTES_NOBODY = ("shared.", "services.", "kafka.")
MOST_CAUSES = 10


def configure_logs(*, service: str, process: str, level: str) -> None:
    """Sets up logging of this process, the libraries' included."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service, process),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(_without_quotations),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("kafka", "urllib3", "opentelemetry"):
        logging.getLogger(chatty).setLevel("WARNING" if level == "INFO" else level)
    # pymongo's DEBUG lines hold whole commands, and with them personal data.
    logging.getLogger("pymongo").setLevel("ERROR" if level == "ERROR" else "WARNING")


def get_logger(name: str) -> Any:
    """A structlog logger; log events are short constant phrases, details are fields."""
    return structlog.stdlib.get_logger(name)


def _without_quotations(exc_info: Any) -> str:
    """The traceback, with the texts of our own and Kafka's errors only: other errors may quote personal data."""
    parts: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(parts) < MOST_CAUSES:
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        text = f": {error}" if kind.startswith(QUOTES_NOBODY) else ""
        parts.append(f"{''.join(traceback.format_tb(error.__traceback__))}{kind}{text}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\nand following from that:\n\n".join(reversed(parts))


def _named(service: str, process: str) -> Any:
    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event.setdefault("service", service)
        event.setdefault("process", process)
        return event

    return add

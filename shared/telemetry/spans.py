"""Spans over OTLP/HTTP, where OTEL_EXPORTER_OTLP_ENDPOINT says so; nothing, at no cost, where it does not.

A span is recorded when its work is over, with the ids that `traceparent` had all along: so the trace goes from a call
through the journal, the topic and the worker to the mail without anything that must be carried between threads.
"""

import atexit
import time
from collections.abc import Mapping
from datetime import datetime

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode

from shared.telemetry.tracing import child_traceparent, span_context

Attributes = Mapping[str, str | int]
# A process that is told to stop has ten seconds for all that it does: a collector that is away gets two of them.
EXPORT_SECONDS = 2.0
NANOSECONDS = 1_000_000_000


class Spans:
    """The spans of a process, and the collector that they go to."""

    def __init__(self) -> None:
        self._processor: BatchSpanProcessor | None = None
        self._resource = Resource.get_empty()

    @property
    def are_wanted(self) -> bool:
        """Whether a collector is configured: otherwise callers need not find out expensive attributes."""
        return self._processor is not None

    def export(self, endpoint: str, *, service: str, process: str) -> None:
        """Sends spans to `endpoint`, such as http://collector:4318, from now on; an empty text changes nothing."""
        if not endpoint or self._processor is not None:
            return
        address = f"{endpoint.rstrip('/')}/v1/traces"
        self._resource = Resource({"service.name": f"uso-{service}", "service.instance.id": process})
        self._processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=address, timeout=EXPORT_SECONDS))
        atexit.register(self._processor.shutdown)

    def record(
        self,
        name: str,
        *,
        kind: SpanKind,
        began_at: float | datetime,
        parent: str | None,
        own: str | None = None,
        attributes: Attributes | None = None,
        is_error: bool = False,
    ) -> None:
        """A span that began at that instant (seconds since 1970) and ends now.

        `parent` is the traceparent that the work came with, `own` the one that it handed on, if it did.
        """
        if self._processor is None:
            return
        above = span_context(parent)
        began = began_at.timestamp() if isinstance(began_at, datetime) else began_at
        span = ReadableSpan(
            name,
            context=_context(own or child_traceparent({"traceparent": parent or ""})),
            parent=above,
            resource=self._resource,
            attributes=dict(attributes or {}),
            kind=kind,
            status=Status(StatusCode.ERROR if is_error else StatusCode.UNSET),
            start_time=round(began * NANOSECONDS),
            end_time=time.time_ns(),
        )
        self._processor.on_end(span)


def _context(traceparent: str) -> SpanContext:
    context = span_context(traceparent)
    if context is None:
        raise ValueError("a span has a traceparent of its own")
    return context


SPANS = Spans()

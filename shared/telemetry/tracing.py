"""W3C Trace Context: the caller's trace is continued, or a new trace begins."""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
_ids = RandomIdGenerator()


def child_traceparent(headers: Mapping[str, str]) -> str:
    """A `traceparent` for the work done here: the caller's trace with a span of our own, or a new trace."""
    parent = trace.get_current_span(
        _propagator.extract({name.lower(): value for name, value in headers.items()})
    ).get_span_context()
    context = trace.SpanContext(
        trace_id=parent.trace_id if parent.is_valid else _ids.generate_trace_id(),
        span_id=_ids.generate_span_id(),
        is_remote=False,
        trace_flags=parent.trace_flags if parent.is_valid else trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(trace.NonRecordingSpan(context)))
    return carrier["traceparent"]


def trace_id(traceparent: str) -> str:
    """The trace's id, 32 hexadecimal digits."""
    return traceparent.split("-")[1]

"""W3C Trace Context: the caller's trace is continued, or a new trace begins."""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
_ids = RandomIdGenerator()


def child_traceparent(headers: Mapping[str, str]) -> str:
    """A `traceparent` for the work done here: the caller's trace with a span of our own, or a new trace."""
    parent = _extracted(headers)
    context = trace.SpanContext(
        trace_id=parent.trace_id if parent.is_valid else _ids.generate_trace_id(),
        span_id=_ids.generate_span_id(),
        is_remote=False,
        trace_flags=parent.trace_flags if parent.is_valid else trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(trace.NonRecordingSpan(context)))
    return carrier["traceparent"]


def span_context(traceparent: str | None) -> trace.SpanContext | None:
    """The ids in a `traceparent`; None where there is none, or none that is valid."""
    if not traceparent:
        return None
    context = _extracted({"traceparent": traceparent})
    return context if context.is_valid else None


def _extracted(headers: Mapping[str, str]) -> trace.SpanContext:
    carrier = {name.lower(): value for name, value in headers.items()}
    return trace.get_current_span(_propagator.extract(carrier)).get_span_context()


def trace_id(traceparent: str) -> str:
    """The trace's id, 32 hexadecimal digits."""
    return traceparent.split("-")[1]

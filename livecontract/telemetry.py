"""Traces of requests and of the event's way, by OpenTelemetry, to an OTLP endpoint (the extra `telemetry`).

Nothing of it is imported unless the setting `traces` is given. A node has a tracer provider of its own, nothing global.
Spans carry no content and name no chain: an operator's collector is not a party of the contract.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flask import Request, g

from dispatcher.dispatch import Outcome
from livecontract.errors import InvalidConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_NAME = "livecontract"
_NANOSECONDS = 1_000_000_000


class Tracing:
    """Makes spans of requests, messages and steps. Observes requests and stages."""

    def __init__(self, exporter: "SpanExporter", *, service: str, node: str) -> None:
        """Send spans to an exporter, in batches from a thread of its own.

        Args:
            exporter: Takes them.
            service: Which service this process is.
            node: Name of the organisation.
        """
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create({"service.name": f"{_NAME}-{service}", "service.namespace": node})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(_NAME)

    def started(self, request: Request) -> None:
        """See `web_server.RequestObserver`. A `traceparent` of the sender (W3C Trace Context) is taken up."""
        from opentelemetry import context, trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        outer = TraceContextTextMapPropagator().extract(dict(_lower(request)))
        span = self._tracer.start_span(f"{request.method} {_route(request)}", outer, trace.SpanKind.SERVER)
        g.span, g.span_token = span, context.attach(trace.set_span_in_context(span))

    def finished(self, request: Request, status: int, _seconds: float) -> None:
        """See `web_server.RequestObserver`."""
        from opentelemetry import context
        from opentelemetry.trace import StatusCode

        span, token = g.pop("span", None), g.pop("span_token", None)
        if span is None or token is None:
            return
        context.detach(token)
        span.set_attributes(
            {
                "http.request.method": request.method,
                "http.route": _route(request),
                "http.response.status_code": status,
                "livecontract.request_id": g.request_id,
            }
        )
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()

    def step(self, step: str, seconds: float) -> None:
        """See `stages.StageObserver`."""
        now = time.time_ns()
        self._tracer.start_span(step, start_time=now - int(seconds * _NANOSECONDS)).end(now)

    @contextmanager
    def handling(self, queue: str) -> Iterator[None]:
        """See `stages.StageObserver`."""
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(f"dispatch {queue}", kind=SpanKind.CONSUMER):
            yield

    def handled(self, queue: str, outcomes: Sequence[Outcome], _seconds: float) -> None:
        """See `stages.StageObserver`."""
        from opentelemetry import trace

        failed = sum(outcome is not None for outcome in outcomes)
        trace.get_current_span().set_attributes(
            {
                "messaging.destination.name": queue,
                "messaging.batch.message_count": len(outcomes),
                "livecontract.failed": failed,
            }
        )

    def headers(self) -> dict[str, str]:
        """Return the headers by which another service continues the present trace; none outside of one."""
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        return carrier

    def close(self) -> None:
        """Send what waits, and end the thread."""
        self._provider.shutdown()


def open_tracing(endpoint: str, *, service: str, node: str) -> Tracing:
    """Return what sends traces to an OTLP endpoint, such as `http://localhost:4318`.

    Raises:
        InvalidConfigError: The packages are not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise InvalidConfigError(
            "traces are set, and OpenTelemetry is not installed",
            path="traces",
            hint="Install it: pip install 'livecontract[telemetry]'",
        ) from None
    url = endpoint if endpoint.endswith("/v1/traces") else f"{endpoint.rstrip('/')}/v1/traces"
    return Tracing(OTLPSpanExporter(endpoint=url), service=service, node=node)


def _lower(request: Request) -> Iterator[tuple[str, str]]:
    for name in ("traceparent", "tracestate"):
        if value := request.headers.get(name):
            yield name, value


def _route(request: Request) -> str:
    return str(request.url_rule) if request.url_rule else "unknown"

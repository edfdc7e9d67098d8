"""Traces by OpenTelemetry: spans wait in a bounded queue, and a thread sends them as OTLP over http.

Span ──▶ queue of 2,048, the oldest go ──(2 s)──▶ Told ──▶ POST TRACES_URL ──▶ collector

A collector that does not answer is told of once, and once more when it answers again. Headers, such as a
token, come from the SDK's own OTEL_EXPORTER_OTLP_HEADERS.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from urllib.parse import urlsplit

import structlog
from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status, StatusCode

from controller.api.errors import InvalidSpec
from controller.tracing import About, Span

log = structlog.get_logger()

PREFIX = "previewcloud."
TRACES_PATH = "/v1/traces"
QUEUE, BATCH = 2_048, 512
DELAY_MILLIS = 2_000
SEND_SECONDS = 5.0
CLOSE_SECONDS = 3.0
LAST_SECONDS = 0.5
"""What spans that wait have in the end, and what is then left to say that they are lost; a collector that is
away does not hold the process up.
"""


@asynccontextmanager
async def open_otlp(url: str, service: str, version: str) -> AsyncIterator[OtlpTracer]:
    """See open_tracing."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it tells of every batch; Told does once
    exporter = OTLPSpanExporter(endpoint=endpoint(url), timeout=SEND_SECONDS)
    batches = BatchSpanProcessor(
        Told(exporter, urlsplit(url).hostname or ""),
        max_queue_size=QUEUE,
        schedule_delay_millis=DELAY_MILLIS,
        max_export_batch_size=BATCH,
    )
    resource = Resource.create({"service.name": service, "service.version": version})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(batches)
    try:
        yield OtlpTracer(provider.get_tracer("previewcloud", version))
    finally:
        ending = threading.Thread(target=provider.shutdown, name="end of traces", daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, CLOSE_SECONDS)
        if ending.is_alive():
            exporter.shutdown()  # type: ignore[no-untyped-call] # ends a wait between two tries
            await asyncio.to_thread(ending.join, LAST_SECONDS)  # so that the loss is told


def endpoint(url: str) -> str:
    """Where spans are posted; raises InvalidSpec (SettingInvalid)."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidSpec("SettingInvalid", "TRACES_URL: expected http://host:port or https://host:port.")
    return url if parts.path not in {"", "/"} else parts._replace(path=TRACES_PATH).geturl()


class OtlpTracer:
    """Implements Tracer."""

    def __init__(self, tracer: api.Tracer) -> None:
        self._tracer = tracer

    def trace(self, name: str, about: About) -> AbstractContextManager[Span]:
        """See Tracer.trace."""
        return _entered(self._tracer, name, about, api.INVALID_SPAN)


class OtlpSpan:
    """Implements Span."""

    def __init__(self, tracer: api.Tracer, span: api.Span) -> None:
        self._tracer, self._span = tracer, span

    @property
    def trace_id(self) -> str:
        """See Span.trace_id."""
        return api.format_trace_id(self._span.get_span_context().trace_id)

    def child(self, name: str, about: About) -> AbstractContextManager[Span]:
        """See Span.child."""
        return _entered(self._tracer, name, about, self._span)

    def note(self, about: About) -> None:
        """See Span.note."""
        self._span.set_attributes(_named(about))

    def failed(self, reason: str) -> None:
        """See Span.failed."""
        self._span.set_attribute(f"{PREFIX}reason", reason)
        self._span.set_status(Status(StatusCode.ERROR, reason))


@contextmanager
def _entered(tracer: api.Tracer, name: str, about: About, parent: api.Span) -> Iterator[Span]:
    context = api.set_span_in_context(parent)
    span = tracer.start_span(name, context, attributes=_named(about))
    try:
        yield OtlpSpan(tracer, span)
    finally:
        span.end()


def _named(about: About) -> dict[str, str]:
    return {f"{PREFIX}{name}": value for name, value in about.items()}


class Told(SpanExporter):
    """Sends by another exporter, and tells once that it does not get through.

    Args:
        exporter: who sends.
        host: whom it sends to, for the log.
    """

    def __init__(self, exporter: SpanExporter, host: str) -> None:
        self._exporter, self._host = exporter, host
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; one that does not get through is lost."""
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            if not self._lost:
                log.warning("traces are lost: their collector does not take them", host=self._host)
            self._lost += len(spans)
        elif self._lost:
            log.info("traces are taken again", host=self._host, lost=self._lost)
            self._lost = 0
        return result

    def shutdown(self) -> None:
        """Send nothing more."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return self._exporter.force_flush(timeout_millis)

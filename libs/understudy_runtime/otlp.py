"""Traces by OpenTelemetry's SDK: the one module that knows it, but for ``span_export`` and ``collector_answers``.

A trace's id says whether it is sampled: OpenTelemetry's samplers that take a share compare its last 64 bits with that
share. The first half of these is made of the minute and of what the trace is about (``together``), so that of a
channel either every upload of a minute is sampled or none: what a slot is made of is there as a whole, whichever
processes received it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import secrets
import socket
from collections.abc import Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link as SdkLink
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace import Span as SdkSpan
from opentelemetry.trace import Tracer as SdkTracer
from typing_extensions import override

from understudy_domain.errors import UnderstudyError
from understudy_runtime import clock
from understudy_runtime.collector_answers import CollectorSession
from understudy_runtime.otlp_settings import OtlpSettings, read_otlp_settings
from understudy_runtime.span_export import SpanExport, Told, nothing_told
from understudy_runtime.trace_context import TRACE_ID, TraceContext
from understudy_runtime.tracing import NO_SPAN, NO_TRACER, Attributes, Kind, Link, Span, Tracer

_log = logging.getLogger(__name__)

_KINDS = {kind: SpanKind(kind.value) for kind in Kind}
_MINUTE_NANOSECONDS = 60_000_000_000
_LOT_SHIFT = 32
_LOT_BITS = 0xFFFFFFFF << _LOT_SHIFT
_SERVER_ERROR = 500


def opened(*, service: str) -> Tracer:
    """A tracer that exports, as OpenTelemetry's own variables say.

    Raises:
        SystemExit: one of these is wrong; it is named, and what it must be.
    """
    settings = read_otlp_settings()
    if settings.sdk_disabled:
        return NO_TRACER
    session = CollectorSession()
    try:
        exporter = OTLPSpanExporter(session=session)
        tracer = OtlpTracer(settings, exporter, service=service, told=session.told)
    except (OSError, ValueError) as err:
        raise SystemExit(f"traces cannot be exported: {err}") from None
    _log.info("traces go to a collector", extra={"address": settings.told_endpoint})
    return tracer


class _Ids(RandomIdGenerator):
    """Random, but for what decides whether a trace is sampled."""

    def __init__(self) -> None:
        self.lot = 0
        """Of the trace that begins next, 32 bits."""

    @override
    def generate_trace_id(self) -> int:
        return (super().generate_trace_id() & ~_LOT_BITS) | self.lot << _LOT_SHIFT

    @override
    def is_trace_id_random(self) -> bool:
        return False


class OtlpTracer(Tracer):
    """Spans begin on the event loop, and are exported by a thread."""

    is_on = True

    def __init__(
        self, settings: OtlpSettings, exporter: SpanExporter, *, service: str, told: Told = nothing_told
    ) -> None:
        """``told``: asked after each batch what the collector said.

        Raises:
            ValueError: one of OpenTelemetry's variables that its SDK alone reads is wrong; it is named.
        """
        self._ids = _Ids()
        provider = TracerProvider(
            resource=_resource(service),
            id_generator=self._ids,
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attribute_length=settings.attribute_length_max),
        )
        self._export = SpanExport(
            exporter,
            queue_max=settings.bsp_max_queue_size,
            batch_max=settings.bsp_max_export_batch_size,
            delay_seconds=settings.bsp_schedule_delay / 1_000,
            told=told,
        )
        provider.add_span_processor(self._export)
        self._tracer = provider.get_tracer("understudy", _version())

    @property
    @override
    def exported(self) -> int:  # type: ignore[override]  # read alone
        return self._export.exported

    @property
    @override
    def dropped(self) -> Mapping[str, int]:
        return self._export.dropped

    @override
    def begin(
        self,
        name: str,
        *,
        start: int,
        kind: Kind = Kind.INTERNAL,
        parent: TraceContext | None = None,
        together: str = "",
        links: Sequence[Link] = (),
        attributes: Attributes | None = None,
    ) -> Span:
        if parent is None:
            self._ids.lot = _lot(together, start)
        span = self._tracer.start_span(
            name,
            context=Context()
            if parent is None
            else set_span_in_context(NonRecordingSpan(_sdk_context(parent)), Context()),
            kind=_KINDS[kind],
            attributes=attributes,
            links=[SdkLink(_sdk_context(link.context), link.attributes) for link in links],
            start_time=start,
        )
        return _ExportedSpan(self._tracer, span, kind, start) if span.is_recording() else NO_SPAN

    @override
    def close(self) -> None:
        self._export.shutdown()


class _ExportedSpan(Span):
    """One that is sampled."""

    __slots__ = ("_context", "_kind", "_span", "_start", "_tracer")

    is_kept = True

    def __init__(self, tracer: SdkTracer, span: SdkSpan, kind: Kind, start: int) -> None:
        self._tracer = tracer
        self._span = span
        self._kind = kind
        self._start = start
        sdk = span.get_span_context()
        self._context = TraceContext(f"{sdk.trace_id:032x}", f"{sdk.span_id:016x}", state=sdk.trace_state.to_header())

    @property
    @override
    def context(self) -> TraceContext:
        return self._context

    @override
    def headers(self) -> dict[str, str]:
        return self._context.headers()

    @override
    def name_in_logs(self) -> None:
        TRACE_ID.set(self._context.trace_id)

    @override
    def child(
        self, name: str, *, kind: Kind = Kind.INTERNAL, start: int | None = None, attributes: Attributes | None = None
    ) -> Span:
        begun = clock.now_nanoseconds() if start is None else start
        span = self._tracer.start_span(
            name,
            context=set_span_in_context(self._span, Context()),
            kind=_KINDS[kind],
            attributes=attributes,
            start_time=begun,
        )
        return _ExportedSpan(self._tracer, span, kind, begun)

    @override
    def set(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    @override
    def event(self, name: str, attributes: Attributes, *, at: int) -> None:
        self._span.add_event(name, attributes, timestamp=at)

    @override
    def fail(self, error: BaseException | str) -> None:
        word, is_ours = error if isinstance(error, str) else type(error).__name__, True
        if isinstance(error, UnderstudyError):
            word = error.code
            if self._kind is Kind.SERVER:
                self._span.set_attribute("http.response.status_code", error.status)
                is_ours = error.status >= _SERVER_ERROR  # else it is the client's
        self._span.set_attribute("error.type", word)
        if is_ours:
            self._span.set_status(Status(StatusCode.ERROR, None if isinstance(error, str) else str(error)))

    @override
    def end(self, at: int | None = None) -> None:
        # Clocks of two machines differ, and a span that ends before it begins is refused by some.
        self._span.end(max(clock.now_nanoseconds() if at is None else at, self._start))


def _sdk_context(context: TraceContext) -> SpanContext:
    return SpanContext(
        int(context.trace_id, 16),
        int(context.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT),
        trace_state=TraceState.from_header([context.state]) if context.state else None,
    )


def _lot(together: str, start: int) -> int:
    drawn = hashlib.blake2b(f"{together} {start // _MINUTE_NANOSECONDS}".encode(), digest_size=4)
    return int.from_bytes(drawn.digest(), "big")


def _resource(service: str) -> Resource:
    """What the process is; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have the last word."""
    ours = {
        "service.namespace": "understudy",
        "service.name": f"understudy-{service}",
        "service.version": _version(),
        "service.instance.id": f"{socket.gethostname()}-{secrets.token_hex(4)}",
        "host.name": socket.gethostname(),
    }
    return Resource.create(ours).merge(OTELResourceDetector().detect())


def _version() -> str:
    try:
        return importlib.metadata.version("understudy")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"

"""Spans as a service exports them, kept in memory instead of sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from typing_extensions import override

from understudy_runtime.otlp import OtlpTracer
from understudy_runtime.otlp_settings import OtlpSettings
from understudy_runtime.tracing import Tracer


class Collected(SpanExporter):
    """Keeps what is exported; holds it up, or refuses it, where asked to."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.takes = True
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.asked = threading.Event()

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.goes_on.wait(10)
        if not self.takes:
            logging.getLogger("opentelemetry.exporter.otlp").error("the collector said 503")
            return SpanExportResult.FAILURE
        self.spans += spans
        return SpanExportResult.SUCCESS

    def tracer(self) -> Tracer:
        """One that exports here, as the environment says; what it has is here once it is closed."""
        return OtlpTracer(OtlpSettings(), self, service="ingest")

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of one name."""
        return [span for span in self.spans if span.name == name]

"""Spans: what happened to a segment between its upload and the first playlist that listed it, and how long it took.

Services speak to a ``Tracer`` and its ``Span``s. Those of this module do nothing: they are what a service has where
traces are off, and what it gets for whatever is not sampled. The ones that are exported are in ``otlp``, which is
loaded where a setting asks for it (``opened``) and nowhere else. Instants are nanoseconds since the epoch.
"""

# ruff: noqa: ARG002  # what does nothing has no use for what it is told

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_runtime.trace_context import TRACE_ID, TraceContext

if TYPE_CHECKING:
    from understudy_runtime.settings import CommonSettings

Value = str | bool | int | float | Sequence[str] | Sequence[int]
Attributes = Mapping[str, Value]

DROPPED: Final = ("queue_full", "refused", "at_end")
"""Why spans are not exported: too many waited, the collector did not take them, the process ended before."""


class Kind(Enum):
    """What a span is to others (OpenTelemetry's SpanKind)."""

    INTERNAL = 0
    SERVER = 1
    CLIENT = 2
    PRODUCER = 3
    CONSUMER = 4


@dataclass(frozen=True, slots=True)
class Link:
    """Another span that this one follows from."""

    context: TraceContext
    attributes: Attributes = field(default_factory=dict)


class Span:
    """Something that took time. This one is not kept, and neither are its children.

    As a context manager it ends on leaving, and has failed where an exception leaves it.
    """

    __slots__ = ()

    is_kept = False
    """Look before much is put together to be said of it."""

    @property
    def context(self) -> TraceContext | None:
        """How others refer to it; None: it is not kept."""
        return None

    def headers(self) -> dict[str, str] | None:
        """What goes with a message that follows from it; None: nothing."""
        return None

    def name_in_logs(self) -> None:
        """Have each line that the present task logs from here on name this span's trace, or none."""
        TRACE_ID.set(None)

    def child(
        self, name: str, *, kind: Kind = Kind.INTERNAL, start: int | None = None, attributes: Attributes | None = None
    ) -> Span:
        """A span within this one, from ``start`` on; None: from now."""
        return self

    def set(self, attributes: Attributes) -> None:
        """Say more of it."""

    def event(self, name: str, attributes: Attributes, *, at: int) -> None:
        """Something that happened within."""

    def fail(self, error: BaseException | str) -> None:
        """It came to nothing; a string says why in a word."""

    def end(self, at: int | None = None) -> None:
        """It is over; None: now. What ends twice ended the first time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self.fail(error)
        self.end()


NO_SPAN: Final = Span()


class Tracer:
    """Where spans begin. With this one none does."""

    is_on = False
    """Look before anything is put together for a span."""

    exported = 0
    """Spans that a collector took."""

    @property
    def dropped(self) -> Mapping[str, int]:
        """Spans that were not exported, by reason."""
        return dict.fromkeys(DROPPED, 0)

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
        """A span from ``start`` on.

        Args:
            name: few different ones, without ids.
            start: nanoseconds since the epoch.
            kind: what it is to others.
            parent: what it follows from; None: it begins a trace.
            together: traces that begin within the same minute with the same of this are all sampled, or none is.
            links: what else it follows from.
            attributes: what is known of it.
        """
        return NO_SPAN

    def close(self) -> None:
        """Export what waits, and end. Blocks for two seconds at most; what is not exported by then is dropped."""


NO_TRACER: Final = Tracer()


class TracerMetrics(Collector):
    """What becomes of the spans. Register it once per process."""

    def __init__(self, tracer: Tracer, *, service: str) -> None:
        self._tracer = tracer
        self._service = service

    @override
    def collect(self) -> Iterator[Metric]:
        """As of now; all is 0 where traces are off."""
        exported = CounterMetricFamily(
            "understudy_spans_exported", "Spans of traces that the collector took.", labels=("component",)
        )
        exported.add_metric((self._service,), self._tracer.exported)
        yield exported
        dropped = CounterMetricFamily(
            "understudy_spans_dropped",
            "Spans of traces that were not exported: queue_full (too many waited), refused (the collector was away or "
            "did not take them), at_end (the process ended before).",
            labels=("component", "reason"),
        )
        for reason, count in self._tracer.dropped.items():
            dropped.add_metric((self._service, reason), count)
        yield dropped


@contextmanager
def running(settings: CommonSettings, *, service: str) -> Iterator[Tracer]:
    """The tracer that a service's settings ask for; at the end what it has is exported.

    Raises:
        SystemExit: as ``opened``.
    """
    tracer = opened(settings, service=service)
    try:
        yield tracer
    finally:
        tracer.close()


def opened(settings: CommonSettings, *, service: str) -> Tracer:
    """The tracer that a service's settings ask for; close it at the end.

    Raises:
        SystemExit: OpenTelemetry is not installed, or one of its own variables is wrong; the reason is printed.
    """
    if settings.traces == "none":
        return NO_TRACER
    try:
        from understudy_runtime import otlp  # noqa: PLC0415  # half a second, and 16 MB
    except ImportError as err:
        raise SystemExit(
            f"UNDERSTUDY_TRACES=otlp needs OpenTelemetry, which is not installed here ({err}): install "
            f"understudy[{service}], or set UNDERSTUDY_TRACES=none"
        ) from None
    return otlp.opened(service=service)

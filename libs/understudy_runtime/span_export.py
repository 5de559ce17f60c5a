"""Spans to a collector, by a thread: whoever ends a span never waits for the network.

What waits is bounded: when the collector is away, slow or hangs, further spans are dropped and counted, and a line in
the log says so now and then.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from typing_extensions import override

from understudy_runtime.log_limit import LogLimit

_log = logging.getLogger(__name__)

_CLOSE_SECONDS: Final = 2.0
"""How long the last spans may take: a collector that hangs must not keep a process from ending."""
_LIBRARY: Final = "opentelemetry"
_EXPORTER: Final = f"{_LIBRARY}.exporter."
Told = Callable[[], tuple[int, str]]
"""How many spans of a batch that was taken were not, and why they were not, or the batch was not."""


def nothing_told() -> tuple[int, str]:
    """What is taken is taken, and the exporter's own words are all that is said."""
    return 0, ""


class _Heard(logging.Handler):
    """What the library says of a failure, which its answer does not tell; kept out of our log, where it has no end.

    So is what it says of each attribute that it cuts off, which is no reason why a batch was not taken.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.first = ""
        """Of what it said of a batch: later it says that it gave up."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(_EXPORTER):
            self.first = self.first or record.getMessage()


class SpanExport(SpanProcessor):
    """Takes spans as they end, and exports them in batches."""

    def __init__(
        self,
        exporter: SpanExporter,
        *,
        queue_max: int,
        batch_max: int,
        delay_seconds: float,
        told: Told = nothing_told,
    ) -> None:
        """``queue_max``: spans that wait at most; ``delay_seconds``: after which they are exported, however few.

        ``told``: asked after each batch what the collector said.
        """
        self._told = told
        self._exporter = exporter
        self._queue_max = queue_max
        self._batch_max = min(batch_max, queue_max)
        self._delay_seconds = delay_seconds
        self._waiting: deque[ReadableSpan] = deque()
        # Each of these is written by one side alone.
        self.exported = 0
        self._queue_full = 0
        self._refused = 0
        self._at_end = 0
        self._in_flight = 0
        self._limit = LogLimit()
        self._heard = _Heard()
        library = logging.getLogger(_LIBRARY)
        library.addHandler(self._heard)
        library.propagate = False
        self._wake = threading.Event()
        self._stopping = False
        self._given_up = False
        self._thread = threading.Thread(target=self._run, name="span export", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> dict[str, int]:
        """Spans that were not exported, by reason (``tracing.DROPPED``)."""
        return {"queue_full": self._queue_full, "refused": self._refused, "at_end": self._at_end}

    @override
    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Nothing is to be done."""

    @override
    def on_end(self, span: ReadableSpan) -> None:
        """Have it exported soon."""
        if self._stopping:
            self._at_end += 1
            return
        if len(self._waiting) >= self._queue_max:
            self._queue_full += 1
            return
        self._waiting.append(span)
        if len(self._waiting) == self._batch_max:
            self._wake.set()

    @override
    def shutdown(self) -> None:
        """Export what waits, and end. Blocks for two seconds at most; what is not exported by then is dropped."""
        if self._stopping:
            return
        self._stopping = True
        self._wake.set()
        self._thread.join(_CLOSE_SECONDS)
        self._given_up = True
        left = len(self._waiting) + (self._in_flight if self._thread.is_alive() else 0)
        if left:
            self._at_end += left
            _log.warning("%d spans are lost at the end: the collector did not take them in time", left)
        # Interrupts what waits to try again.
        self._exporter.shutdown()
        library = logging.getLogger(_LIBRARY)
        library.removeHandler(self._heard)
        library.propagate = True

    @override
    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Spans leave by themselves."""
        return True

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._delay_seconds)
            self._wake.clear()
            self._export_waiting()
        self._export_waiting()

    def _export_waiting(self) -> None:
        while self._waiting and not self._given_up:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_max))]
            self._in_flight = len(batch)
            self._heard.first = ""
            try:
                is_taken = self._exporter.export(batch) is SpanExportResult.SUCCESS
            except Exception as err:  # noqa: BLE001  # whatever it is, the thread goes on
                is_taken, self._heard.first = False, f"{type(err).__name__}: {err}"
            self._in_flight = 0
            rejected, reason = self._told()
            lost = min(rejected, len(batch)) if is_taken else len(batch)
            self.exported += len(batch) - lost
            if lost and (is_taken or not self._given_up):
                self._refused += lost
                self._tell(lost, reason)

    def _tell(self, count: int, reason: str) -> None:
        left_out = self._limit.admit("refused")
        if left_out is not None:
            _log.warning(
                "%d spans are lost, the collector did not take them: %s",
                count,
                reason or self._heard.first or "it did not say why",
                extra={"left_out": left_out},
            )

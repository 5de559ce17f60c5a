"""What Prometheus is told of webhooks: series of those alone that the file has, so a name that goes leaves none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_domain.ticks import to_seconds
from understudy_domain.webhooks.progress import Outcome, WebhookProgress
from understudy_runtime import clock


def _none() -> Mapping[str, WebhookProgress | None]:
    return {}


class WebhookMetrics(Collector):
    """Register it once per process. Gauges are the same of every controller; attempts are counted by who makes them."""

    def __init__(self, shown: Callable[[], Mapping[str, WebhookProgress | None]] = _none) -> None:
        """``shown`` gives the webhooks of the file, each with how far it has come."""
        self.problems = 0
        """1 while the file cannot be used."""
        self._shown = shown
        self._counts: dict[tuple[str, Outcome], int] = {}

    def count(self, name: str, outcome: Outcome) -> None:
        """Count what came of an attempt, or that none was made any more."""
        self._counts[name, outcome] = self._counts.get((name, outcome), 0) + 1

    @override
    def collect(self) -> Iterator[Metric]:
        """The present numbers."""
        shown = self._shown()
        self._counts = {one: count for one, count in self._counts.items() if one[0] in shown}
        yield GaugeMetricFamily(
            "understudy_webhooks_file_problems",
            "1 while the file of webhooks cannot be used; the webhooks before it stay.",
            value=self.problems,
        )
        attempts = CounterMetricFamily(
            "understudy_webhook_attempts",
            "What came of events for a webhook: taken; failed, and tried again; refused, or expired, and dropped. "
            "Counted by the process that sends.",
            labels=("webhook", "outcome"),
        )
        for name in shown:
            for outcome in Outcome:
                attempts.add_metric((name, outcome.value), self._counts.get((name, outcome), 0))
        yield attempts
        failing = GaugeMetricFamily(
            "understudy_webhook_failing_seconds",
            "For how long no event was taken that was sent to a webhook; 0 while all is well.",
            labels=("webhook",),
        )
        waiting = GaugeMetricFamily(
            "understudy_webhook_waiting_events",
            "Events that were in the log for a webhook at its last failure; 0 while all is well.",
            labels=("webhook",),
        )
        taken = GaugeMetricFamily(
            "understudy_webhook_last_taken_timestamp_seconds",
            "When a webhook's receiver last took an event, Unix time; 0: never.",
            labels=("webhook",),
        )
        now = clock.now_ticks()
        for name, progress in shown.items():
            since = now if progress is None or progress.failing_since is None else progress.failing_since
            taken_at = 0 if progress is None else progress.last_taken_at or 0
            failing.add_metric((name,), max(to_seconds(now - since), 0.0))
            waiting.add_metric((name,), 0 if progress is None else progress.waiting)
            taken.add_metric((name,), to_seconds(taken_at))
        yield from (failing, waiting, taken)

"""What becomes of requests' signatures, as metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_controller.authentication.keys import AccessKeys
from understudy_controller.authentication.refusal import Reason


class AuthenticationMetrics(Collector):
    """Register it once per process."""

    def __init__(self, keys: AccessKeys) -> None:
        self._keys = keys
        self._refused = dict.fromkeys(Reason, 0)

    def refused(self, reason: Reason) -> None:
        """Count one refusal."""
        self._refused[reason] += 1

    @override
    def collect(self) -> Iterator[Metric]:
        """The present numbers."""
        refused = CounterMetricFamily(
            "understudy_authentication_refused",
            "Requests to the control API that were refused for their signature or their key.",
            labels=("reason",),
        )
        for reason, count in self._refused.items():
            refused.add_metric((reason.value,), count)
        yield refused
        yield GaugeMetricFamily("understudy_access_keys", "Access keys that count now.", value=len(self._keys))
        yield CounterMetricFamily(
            "understudy_access_keys_failures",
            "Changes of the file of access keys that could not be used; the keys before stay.",
            value=self._keys.failures_total,
        )

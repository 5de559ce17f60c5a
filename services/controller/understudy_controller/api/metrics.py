"""What the configuration holds, read when Prometheus asks. Requests are counted by the runtime's middleware."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_runtime.config_store import ConfigStore


class ConfigurationMetrics(Collector):
    """Register it once per process."""

    def __init__(self, store: ConfigStore) -> None:
        self._store = store

    @override
    def collect(self) -> Iterator[Metric]:
        """The present numbers."""
        store = self._store
        yield GaugeMetricFamily("understudy_config_channels", "Channels configured.", value=len(store.channels))
        yield GaugeMetricFamily(
            "understudy_config_origin_endpoints", "Origin endpoints configured.", value=len(store.origin_endpoints)
        )
        yield CounterMetricFamily(
            "understudy_config_malformed_records",
            "Records of the configuration that did not parse and were skipped.",
            value=store.malformed_total,
        )

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

    def __init__(self, store: ConfigStore, *, shards: int) -> None:
        self._store = store
        self._shards = shards

    @override
    def collect(self) -> Iterator[Metric]:
        """The present numbers."""
        store = self._store
        yield GaugeMetricFamily(
            "understudy_config_shards", "Shards that channels are divided into, by the settings.", value=self._shards
        )
        yield GaugeMetricFamily("understudy_config_channels", "Channels configured.", value=len(store.channels))
        yield GaugeMetricFamily(
            "understudy_config_origin_endpoints", "Origin endpoints configured.", value=len(store.origin_endpoints)
        )
        yield CounterMetricFamily(
            "understudy_config_malformed_records",
            "Records of the configuration that do not parse and were skipped.",
            value=store.malformed_total,
        )

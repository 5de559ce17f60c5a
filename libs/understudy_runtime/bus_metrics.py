"""Whether NATS is connected, told the same by every service."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_runtime.jetstream import Bus


class BusMetrics(Collector):
    """Register it once per process."""

    def __init__(self, bus: Bus, *, service: str) -> None:
        self._bus = bus
        self._service = service

    @override
    def collect(self) -> Iterator[Metric]:
        """As of now."""
        connected = GaugeMetricFamily(
            "understudy_bus_connected", "1 while NATS is connected, else 0.", labels=("component",)
        )
        connected.add_metric((self._service,), float(self._bus.is_connected))
        yield connected

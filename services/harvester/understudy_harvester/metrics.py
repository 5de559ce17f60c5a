"""What the harvester knows of itself, read when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_harvester.counts import Counts
from understudy_harvester.worker import Worker
from understudy_runtime.jetstream import Bus


class HarvesterCollector(Collector):
    """One process's work and bus."""

    def __init__(self, *, bus: Bus, worker: Worker, counts: Counts) -> None:
        self._bus = bus
        self._worker = worker
        self._counts = counts

    @override
    def collect(self) -> Iterator[Metric]:
        """The metrics as of now."""
        counts = self._counts
        done = CounterMetricFamily(
            "understudy_harvest_jobs", "Harvest jobs that this process brought to an end.", labels=("status",)
        )
        for status, count in counts.done.items():
            done.add_metric((status.value,), count)
        yield done
        yield GaugeMetricFamily(
            "understudy_harvest_jobs_unfinished",
            "Harvest jobs that are not done, whoever works at them.",
            value=self._worker.unfinished,
        )
        yield GaugeMetricFamily(
            "understudy_harvest_jobs_working", "Harvest jobs that this process works at.", value=self._worker.working
        )
        yield CounterMetricFamily("understudy_harvest_segments", "Segments written into assets.", value=counts.segments)
        yield CounterMetricFamily("understudy_harvest_bytes", "Bytes of these segments.", value=counts.bytes)
        yield CounterMetricFamily(
            "understudy_harvest_storage_errors",
            "Requests to a storage that failed and were made again.",
            value=counts.storage_errors,
        )
        yield CounterMetricFamily(
            "understudy_harvest_claims_lost",
            "Harvest jobs that another harvester took over.",
            value=counts.claims_lost,
        )
        yield GaugeMetricFamily(
            "understudy_harvest_bus_connected",
            "1 while NATS is connected; without it a job is given up after some seconds.",
            value=float(self._bus.is_connected),
        )

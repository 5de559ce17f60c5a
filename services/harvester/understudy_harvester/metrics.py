"""What the harvester knows of itself, read when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_harvester.counts import Counts
from understudy_harvester.worker import Worker


class HarvesterCollector(Collector):
    """One process's work."""

    def __init__(self, *, worker: Worker, counts: Counts) -> None:
        self._worker = worker
        self._counts = counts

    @override
    def collect(self) -> Iterator[Metric]:
        """The metrics as of now."""
        counts = self._counts
        done = CounterMetricFamily(
            "understudy_harvest_jobs",
            "Harvest jobs that this process brought to an end: SUCCEEDED, FAILED; there from 0.",
            labels=("status",),
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
        yield CounterMetricFamily(
            "understudy_harvest_bytes", "Bytes of segments written into assets.", value=counts.bytes
        )
        yield CounterMetricFamily(
            "understudy_harvest_storage_errors",
            "Requests to a storage, or to NATS, that failed and were made again.",
            value=counts.storage_errors,
        )
        yield CounterMetricFamily(
            "understudy_harvest_claims_lost",
            "Harvest jobs that another harvester took over, or that could not be held for want of NATS.",
            value=counts.claims_lost,
        )

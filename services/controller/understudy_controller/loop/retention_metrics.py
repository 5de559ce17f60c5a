"""What retention counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from understudy_runtime import clock


class RetentionMetrics:
    """Retention's metrics in one registry."""

    def __init__(self, registry: CollectorRegistry, *, is_on: bool = True) -> None:
        """``is_on``: whether there are any rounds."""
        self.entries = Counter(
            "understudy_retention_entries_total",
            "Entries of PROGRAM removed, because no window reaches them any more or their endpoint was deleted.",
            registry=registry,
        )
        self.objects = Counter(
            "understudy_retention_objects_total",
            "Objects removed from the storage: media, and index pages.",
            registry=registry,
        )
        self.pages = Counter(
            "understudy_index_pages_total",
            "Index pages made of entries, so that these may go from PROGRAM while a startover window reaches them.",
            registry=registry,
        )
        self.bytes = Counter(
            "understudy_retention_bytes_total", "Bytes of the objects that were removed.", registry=registry
        )
        self.errors = Counter(
            "understudy_retention_errors_total",
            "Parts of rounds that NATS or the storage being away cut short; the next round goes on.",
            registry=registry,
        )
        self.harvest_oldest = Gauge(
            "understudy_harvest_jobs_oldest_seconds",
            "For how long the harvest job has been due that is not done and due for longest; 0 where "
            "there is none. Looked at with each round of removing.",
            registry=registry,
        )
        self._finished_at = clock.monotonic()
        age = Gauge(
            "understudy_retention_age_seconds",
            "Time since a round of removing came to its end, or since the start; 0 where there is to be none.",
            registry=registry,
        )
        age.set_function(lambda: clock.monotonic() - self._finished_at if is_on else 0.0)

    def finished(self) -> None:
        """A round has done all that there was to do."""
        self._finished_at = clock.monotonic()

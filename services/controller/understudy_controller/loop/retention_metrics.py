"""What retention counts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from understudy_runtime import clock


class RetentionMetrics:
    """Retention's metrics in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.entries = Counter(
            "understudy_retention_entries_total", "Entries removed that no window reaches any more.", registry=registry
        )
        self.objects = Counter(
            "understudy_retention_objects_total",
            "Objects removed from the storage: media and index pages.",
            registry=registry,
        )
        self.pages = Counter("understudy_index_pages_total", "Index pages made of entries.", registry=registry)
        self.bytes = Counter(
            "understudy_retention_bytes_total", "Bytes of the objects that were removed.", registry=registry
        )
        self.errors = Counter(
            "understudy_retention_errors_total", "Rounds that NATS or the storage cut short.", registry=registry
        )
        self.harvest_oldest = Gauge(
            "understudy_harvest_jobs_oldest_seconds",
            "For how long the harvest job has been due that is not done and due for longest; 0 where there is none.",
            registry=registry,
        )
        self._finished_at = clock.monotonic()
        age = Gauge(
            "understudy_retention_age_seconds",
            "Time since a round of removing came to its end, or since the start.",
            registry=registry,
        )
        age.set_function(lambda: clock.monotonic() - self._finished_at)

    def finished(self) -> None:
        """A round has done all that there was to do."""
        self._finished_at = clock.monotonic()

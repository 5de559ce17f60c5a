"""What ingest counts. Series of a channel go when the channel goes."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from understudy_domain import keys
from understudy_ingest.body import Budget
from understudy_ingest.errors import REASONS
from understudy_runtime import clock

_BY_INPUT = ("channel", "input")
_STEP_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_HELD_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 10.0)


class IngestMetrics:
    """Every metric of this service besides the requests'. ``channel`` is the channel's id."""

    def __init__(self, registry: CollectorRegistry, *, budget: Budget) -> None:
        self._segments = Counter(
            "understudy_ingest_segments_total", "Segments stored and reported.", _BY_INPUT, registry=registry
        )
        self._bytes = Counter(
            "understudy_ingest_bytes_total", "Bytes of segments stored and reported.", _BY_INPUT, registry=registry
        )
        self._last = Gauge(
            "understudy_ingest_last_segment_timestamp_seconds",
            "When the last segment was stored and reported, Unix time.",
            _BY_INPUT,
            registry=registry,
        )
        self._continuity = Counter(
            "understudy_ingest_continuity_errors_total",
            "Breaks of continuity inside segments: packets lost before they came here.",
            _BY_INPUT,
            registry=registry,
        )
        self._playlists = Counter(
            "understudy_ingest_playlists_total",
            "Playlists received; kind is media or multivariant.",
            (*_BY_INPUT, "kind"),
            registry=registry,
        )
        self.rejected = Counter(
            "understudy_ingest_rejected_total",
            "Requests refused, and uploads lost because S3 or NATS was away; every reason is there from 0.",
            ("reason",),
            registry=registry,
        )
        for reason in REASONS:
            # At 0 from the start: Prometheus' increase() does not see a series that begins with its first refusal.
            self.rejected.labels(reason)
        self.ignored = Counter(
            "understudy_ingest_ignored_total",
            "Uploads taken and left aside: webvtt.",
            ("kind",),
            registry=registry,
        )
        self.held_seconds = Histogram(
            "understudy_ingest_held_seconds",
            "How long uploads were held that S3 or NATS did not take at once.",
            buckets=_HELD_BUCKETS,
            registry=registry,
        )
        self.held_requests = Gauge(
            "understudy_ingest_held_requests", "Uploads that are held now and tried again.", registry=registry
        )
        self.probe_seconds = Histogram(
            "understudy_ingest_probe_seconds", "Looking into one segment.", buckets=_STEP_BUCKETS, registry=registry
        )
        self.store_seconds = Histogram(
            "understudy_ingest_store_seconds",
            "Storing one segment, tries again included.",
            buckets=_STEP_BUCKETS,
            registry=registry,
        )
        self.publish_seconds = Histogram(
            "understudy_ingest_publish_seconds",
            "Publishing one fact, tries again included.",
            buckets=_STEP_BUCKETS,
            registry=registry,
        )
        Gauge(
            "understudy_ingest_held_bytes", "Bytes of uploads in memory, being received or held.", registry=registry
        ).set_function(lambda: budget.held)
        self._unauthorized = Counter(
            "understudy_ingest_unauthorized_total",
            "Requests to an input that came with wrong credentials.",
            _BY_INPUT,
            registry=registry,
        )
        # Finding a series costs more than counting in it.
        self._series: dict[tuple[str, str], tuple[Counter, Counter, Gauge, Counter]] = {}

    def segment(self, channel: str, input_id: int, *, size: int, continuity_errors: int) -> None:
        """Count a segment that is stored and reported."""
        labels = (channel, str(input_id))
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = (
                self._segments.labels(*labels),
                self._bytes.labels(*labels),
                self._last.labels(*labels),
                self._continuity.labels(*labels),
            )
            self._unauthorized.labels(*labels)  # at 0 from then on
        segments, size_total, last, continuity = series
        segments.inc()
        size_total.inc(size)
        last.set(clock.now_milliseconds() / 1_000)
        if continuity_errors:
            continuity.inc(continuity_errors)

    def unauthorized(self, channel: str, input_id: int) -> None:
        """Count a request to an input that came with wrong credentials."""
        self._unauthorized.labels(channel, str(input_id)).inc()

    def playlist(self, channel: str, input_id: int, *, kind: str) -> None:
        """Count a playlist that was read."""
        self._playlists.labels(channel, str(input_id), kind).inc()

    def forget(self, channel: str) -> None:
        """Drop the series of a channel that is gone."""
        for input_id in map(str, keys.INPUTS):
            self._series.pop((channel, input_id), None)
            for metric in (self._segments, self._bytes, self._last, self._continuity, self._unauthorized):
                _remove(metric, channel, input_id)
            for kind in ("media", "multivariant"):
                _remove(self._playlists, channel, input_id, kind)


def _remove(metric: Counter | Gauge, *labels: str) -> None:
    try:
        metric.remove(*labels)
    except KeyError:
        return

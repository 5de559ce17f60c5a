"""What egress knows of itself, read when Prometheus asks, so that nothing is left behind of what is gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_domain import ticks
from understudy_egress.programmes import Programmes
from understudy_egress.segments import Segments
from understudy_egress.startover import Startover
from understudy_runtime import clock
from understudy_runtime.byte_cache import ByteCache
from understudy_runtime.index_pages import IndexPages


class EgressCollector(Collector):
    """One process's programmes and segment cache."""

    def __init__(self, *, programmes: Programmes, segments: Segments, pages: IndexPages, startover: Startover) -> None:
        self._programmes = programmes
        self._segments = segments
        self._startover_caches: dict[str, ByteCache[Any, Any]] = {
            "page": pages.cache,
            "block": startover.blocks,
            "playlist": startover.playlists,
        }

    @override
    def collect(self) -> Iterator[Metric]:
        """The metrics as of now."""
        yield from self._programme_metrics()
        yield from self._segment_metrics()
        yield from self._startover_metrics()

    def _programme_metrics(self) -> Iterator[Metric]:
        age = GaugeMetricFamily(
            "understudy_playlist_age_seconds",
            "How long ago the newest listed segment became available. In a healthy stream it stays below "
            "the segment's duration and a little.",
            labels=("channel", "origin_endpoint"),
        )
        listed = GaugeMetricFamily(
            "understudy_egress_listed_segments",
            "Segments that each media playlist lists.",
            labels=("channel", "origin_endpoint"),
        )
        secrets = GaugeMetricFamily(
            "understudy_egress_cdn_secret_missing",
            "1 where an origin endpoint has an authorization and its secret cannot be read: it answers nobody.",
            labels=("channel", "origin_endpoint"),
        )
        now = clock.now_ticks()
        held = self._programmes.held()
        for programme in held:
            labels = (programme.endpoint.channel_id, programme.endpoint.id)
            listed.add_metric(labels, programme.listed_count)
            if programme.access.secret is not None:
                secrets.add_metric(labels, float(programme.access.secret.problem is not None))
            edge = programme.window.live_edge
            if edge is not None:
                age.add_metric(labels, ticks.to_seconds(now - edge.available_at))
        yield age
        yield listed
        yield secrets
        yield GaugeMetricFamily(
            "understudy_egress_origin_endpoints", "Origin endpoints held in memory.", value=len(held)
        )
        yield CounterMetricFamily(
            "understudy_egress_entries",
            "Entries taken from the log of decisions as they came.",
            value=self._programmes.entries_total,
        )
        yield CounterMetricFamily(
            "understudy_egress_malformed_records",
            "Entries that do not parse and were skipped.",
            value=self._programmes.malformed_total,
        )

    def _segment_metrics(self) -> Iterator[Metric]:
        cache = self._segments.cache
        requests = CounterMetricFamily(
            "understudy_egress_segment_cache_requests",
            "Segments asked of the cache: hit, miss (read from S3), collapsed (waited for another's read).",
            labels=("result",),
        )
        requests.add_metric(("hit",), cache.counts.hits)
        requests.add_metric(("miss",), cache.counts.misses)
        requests.add_metric(("collapsed",), cache.counts.collapsed)
        yield requests
        yield CounterMetricFamily(
            "understudy_egress_segment_cache_evictions",
            "Segments that made room for others.",
            value=cache.counts.evictions,
        )
        yield GaugeMetricFamily(
            "understudy_egress_segment_cache_bytes", "Bytes of segments in memory.", value=cache.bytes_held
        )
        yield CounterMetricFamily(
            "understudy_egress_storage_read_bytes",
            "Bytes of segments read from S3.",
            value=self._segments.bytes_read_total,
        )
        yield CounterMetricFamily(
            "understudy_egress_storage_errors",
            "Segments that the storage did not give: it is away, slow, or has something else.",
            value=self._segments.errors_total,
        )
        yield from self._segments.read_seconds.collect()

    def _startover_metrics(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "understudy_egress_startover_cache_requests",
            "What start-over playlists were made of: page (an index page), block (its lines), playlist; "
            "hit, or miss (read or rendered).",
            labels=("what", "result"),
        )
        held = GaugeMetricFamily(
            "understudy_egress_startover_cache_bytes",
            "Bytes of these in memory.",
            labels=("what",),
        )
        for what, cache in self._startover_caches.items():
            requests.add_metric((what, "hit"), cache.hits)
            requests.add_metric((what, "miss"), cache.misses)
            held.add_metric((what,), cache.bytes_held)
        yield requests
        yield held

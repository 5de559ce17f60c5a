"""What ingest counts of a channel is there as long as the channel is."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from understudy_ingest.body import Budget
from understudy_ingest.metrics import IngestMetrics


def of_channels(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    """Channel and metric of every series that has one, and its value."""
    return {
        (sample.labels["channel"], sample.name): sample.value
        for family in registry.collect()
        for sample in family.samples
        if "channel" in sample.labels
    }


def test_a_deleted_channel_leaves_no_series_and_others_stay() -> None:
    registry = CollectorRegistry()
    metrics = IngestMetrics(registry, budget=Budget(1))
    for channel in ("news", "sport"):
        metrics.segment(channel, 1, size=10, continuity_errors=1)
        metrics.playlist(channel, 1, kind="media")
        metrics.unauthorized(channel, 2)
    assert len(of_channels(registry)) == 12
    metrics.forget("news")
    assert {channel for channel, _ in of_channels(registry)} == {"sport"}
    metrics.segment("news", 1, size=1, continuity_errors=0)
    assert of_channels(registry)["news", "understudy_ingest_segments_total"] == 1


def test_wrong_credentials_are_at_zero_from_the_first_segment_so_that_increases_show_the_first() -> None:
    registry = CollectorRegistry()
    metrics = IngestMetrics(registry, budget=Budget(1))
    metrics.segment("news", 1, size=10, continuity_errors=0)
    labels = {"channel": "news", "input": "1"}
    assert registry.get_sample_value("understudy_ingest_unauthorized_total", labels) == 0
    metrics.unauthorized("news", 1)
    assert registry.get_sample_value("understudy_ingest_unauthorized_total", labels) == 1

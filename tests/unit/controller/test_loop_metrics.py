"""What the decision loop shows of an endpoint before anything was decided for it, and after it went."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import CollectorRegistry

from support.program_entries import make_entry
from understudy_controller.loop.metrics import LoopMetrics
from understudy_domain.facts import SegmentArrived
from understudy_domain.media import Probe
from understudy_domain.reason import Reason
from understudy_domain.timeline import InputState, ParkedSegment

LABELS = {"channel": "news", "origin_endpoint": "news-hls"}


def decided(registry: CollectorRegistry) -> dict[str, float | None]:
    return {
        reason.value: registry.get_sample_value("understudy_decisions_total", {**LABELS, "reason": reason.value})
        for reason in Reason
        if reason is not Reason.END
    }


def test_every_reason_is_at_zero_before_the_first_decision_so_that_increases_show_the_first_failover() -> None:
    registry = CollectorRegistry()
    LoopMetrics(registry, inputs=lambda: iter(())).show_endpoint("news", "news-hls", None)
    assert set(decided(registry).values()) == {0.0}


def test_showing_an_endpoint_again_keeps_what_was_counted() -> None:
    registry = CollectorRegistry()
    metrics = LoopMetrics(registry, inputs=lambda: iter(()))
    metrics.show_endpoint("news", "news-hls", 1)
    metrics.decisions.labels("news", "news-hls", Reason.FAILOVER.value).inc()
    metrics.show_endpoint("news", "news-hls", 2)
    assert decided(registry)["failover"] == 1.0


def test_a_deleted_endpoint_leaves_no_series() -> None:
    registry = CollectorRegistry()
    metrics = LoopMetrics(registry, inputs=lambda: iter(()))
    metrics.show_endpoint("news", "news-hls", 1)
    metrics.forget_endpoint("news", "news-hls")
    assert set(decided(registry).values()) == {None}


def test_the_end_of_a_programme_is_shown_and_is_no_slot() -> None:
    registry = CollectorRegistry()
    metrics = LoopMetrics(registry, inputs=lambda: iter(()))
    metrics.show_endpoint("news", "news-hls", 1)
    entry = make_entry(7)
    for one, ended in ((entry, 0.0), (replace(entry, ended=True, reason=Reason.END), 1.0), (make_entry(8), 0.0)):
        metrics.count("news", "news-hls", one)
        assert registry.get_sample_value("understudy_programme_ended", LABELS) == ended
    assert decided(registry)["keep"] == 2.0
    assert registry.get_sample_value("understudy_decisions_total", {**LABELS, "reason": "end"}) is None
    metrics.forget_endpoint("news", "news-hls")
    assert registry.get_sample_value("understudy_programme_ended", LABELS) is None


def test_segments_that_no_playlist_names_are_shown_for_their_input() -> None:
    registry = CollectorRegistry()
    one = InputState(2, last_arrived_at=1)
    probe = Probe("mpegts", (), digest="d")
    one.unlisted = [ParkedSegment(SegmentArrived(f"{n}.ts", f"key-{n}", 1, probe), 1, n) for n in range(3)]
    LoopMetrics(registry, inputs=lambda: iter([("news", InputState(1)), ("news", one)]))
    assert registry.get_sample_value("understudy_unlisted_segments", {"channel": "news", "input": "2"}) == 3
    assert registry.get_sample_value("understudy_unlisted_segments", {"channel": "news", "input": "1"}) is None

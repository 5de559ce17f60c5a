"""What the decision loop shows of an endpoint before anything was decided for it, and after it went."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from understudy_controller.loop.metrics import LoopMetrics
from understudy_domain.reason import Reason

LABELS = {"channel": "news", "origin_endpoint": "news-hls"}


def decided(registry: CollectorRegistry) -> dict[str, float | None]:
    return {
        reason.value: registry.get_sample_value("understudy_decisions_total", {**LABELS, "reason": reason.value})
        for reason in Reason
    }


def test_every_reason_is_at_zero_before_the_first_decision_so_that_increases_show_the_first_failover() -> None:
    registry = CollectorRegistry()
    LoopMetrics(registry, input_ages=lambda: iter(())).show_endpoint("news", "news-hls", None)
    assert set(decided(registry).values()) == {0.0}


def test_showing_an_endpoint_again_keeps_what_was_counted() -> None:
    registry = CollectorRegistry()
    metrics = LoopMetrics(registry, input_ages=lambda: iter(()))
    metrics.show_endpoint("news", "news-hls", 1)
    metrics.decisions.labels("news", "news-hls", Reason.FAILOVER.value).inc()
    metrics.show_endpoint("news", "news-hls", 2)
    assert decided(registry)["failover"] == 1.0


def test_a_deleted_endpoint_leaves_no_series() -> None:
    registry = CollectorRegistry()
    metrics = LoopMetrics(registry, input_ages=lambda: iter(()))
    metrics.show_endpoint("news", "news-hls", 1)
    metrics.forget_endpoint("news", "news-hls")
    assert set(decided(registry).values()) == {None}

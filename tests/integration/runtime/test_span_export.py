"""Spans over the network: to a collector that is there, hangs, or is away."""

from __future__ import annotations

import time

import pytest

from support.otlp_receiver import OtlpReceiver
from support.ports import free_ports
from understudy_runtime import clock, tracing
from understudy_runtime.settings import CommonSettings
from understudy_runtime.tracing import Tracer

CLOSE_SECONDS = 4.0
"""It waits for two; the rest is for a busy machine."""


def told_of(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Tracer:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    tracer = tracing.opened(CommonSettings(traces="otlp"), service="egress")
    tracer.begin("list slot", start=clock.now_nanoseconds()).end()
    return tracer


def closed(tracer: Tracer) -> dict[str, int]:
    """What was dropped, once it is closed, in time."""
    begun = time.monotonic()
    tracer.close()
    assert time.monotonic() - begun < CLOSE_SECONDS
    return dict(tracer.dropped)


def test_what_waits_is_exported_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    with OtlpReceiver() as collector:
        assert not any(closed(told_of(f"{collector.url}/some/where/", monkeypatch)).values())
        assert [(span.service, span.name) for span in collector.spans] == [("understudy-egress", "list slot")]
        assert collector.paths == {"/some/where/v1/traces"}


def test_a_collector_that_hangs_keeps_nobody_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    with OtlpReceiver() as collector:
        collector.hang()
        assert closed(told_of(collector.url, monkeypatch))["at_end"] == 1


def test_a_collector_that_is_away_keeps_nobody_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    assert sum(closed(told_of(f"http://127.0.0.1:{port}", monkeypatch)).values()) == 1

"""Spans over the network: to a collector that is there, hangs, or is away."""

from __future__ import annotations

import time

import pytest

from support.otlp_receiver import OtlpReceiver
from support.ports import free_ports
from understudy_runtime import clock, span_export, tracing
from understudy_runtime.settings import CommonSettings
from understudy_runtime.tracing import Tracer

WAIT_SECONDS = 0.3
"""For which it waits here: 2 would be no other."""
CLOSE_SECONDS = WAIT_SECONDS + 2.0
"""The rest is for a busy machine."""


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


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_collector_that_is_busy_is_asked_again_when_it_says(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with OtlpReceiver() as collector:
        collector.statuses = [status]
        collector.answer_headers = {"retry-after": "0"}
        assert not any(closed(told_of(collector.url, monkeypatch)).values())
        assert len(collector.spans) == 1


def test_what_a_collector_rejects_of_a_request_that_it_takes_is_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with OtlpReceiver() as collector:
        collector.answer.partial_success.rejected_spans = 1
        collector.answer.partial_success.error_message = "too old"
        tracer = told_of(collector.url, monkeypatch)
        assert closed(tracer)["refused"] == 1
        assert tracer.exported == 0
    assert caplog.messages[-1].endswith("the collector did not take them: too old")


def test_a_redirect_is_not_taken_for_success(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with OtlpReceiver() as collector:
        collector.statuses = [301]
        collector.answer_headers = {"location": "https://user:secret@collector.example.com/v1/traces?token=secret"}
        tracer = told_of(collector.url, monkeypatch)
        assert closed(tracer)["refused"] == 1
        assert tracer.exported == 0
    assert "set the endpoint that it leads to: https://collector.example.com/v1/traces" in caplog.messages[-1]
    assert "secret" not in caplog.text


def test_a_collector_that_is_busy_for_longer_than_there_is_time_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with OtlpReceiver() as collector:
        collector.statuses = [503]
        collector.answer_headers = {"retry-after": "3600"}
        assert closed(told_of(collector.url, monkeypatch))["refused"] == 1
    assert caplog.messages[-1].endswith("did not take them: 503 Service Unavailable")


def test_a_collector_that_speaks_no_tls_is_sent_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with OtlpReceiver() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.5")
        endpoint = collector.url.replace("http://", "https://") + "/secret"
        assert closed(told_of(endpoint, monkeypatch))["refused"] == 1
    assert "SSLError" in caplog.messages[-1]
    assert "secret" not in caplog.messages[-1]


def test_a_collector_that_hangs_keeps_nobody_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_export, "_CLOSE_SECONDS", WAIT_SECONDS)
    with OtlpReceiver() as collector:
        collector.hang()
        assert closed(told_of(collector.url, monkeypatch))["at_end"] == 1


def test_a_collector_that_is_away_keeps_nobody_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(span_export, "_CLOSE_SECONDS", WAIT_SECONDS)
    (port,) = free_ports(1)
    assert sum(closed(told_of(f"http://127.0.0.1:{port}", monkeypatch)).values()) == 1

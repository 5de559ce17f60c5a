"""Spans by OpenTelemetry's SDK: which are kept, how they hang together, and what becomes of them."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.util.re import parse_env_headers

from support.collected_spans import Collected
from understudy_domain.errors import UnderstudyError
from understudy_runtime import tracing
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.logging import JsonFormatter
from understudy_runtime.otlp_settings import OtlpSettings
from understudy_runtime.settings import CommonSettings
from understudy_runtime.span_export import SpanExport
from understudy_runtime.trace_context import TRACE_ID, TraceContext
from understudy_runtime.tracing import NO_SPAN, NO_TRACER, Kind, Link, Span, Tracer

MINUTE = 60_000_000_000
NOON = 1_795_435_200_000_000_000
ENCODERS = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", state="vendor=1")


def kept(tracer: Tracer, *, together: str, start: int) -> bool:
    span = tracer.begin("upload", start=start, together=together)
    span.end(start)
    return span.is_kept


@pytest.fixture
def a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.1")


@pytest.mark.usefixtures("a_tenth")
def test_of_a_minute_of_a_channel_all_uploads_are_kept_or_none(tracer: Tracer) -> None:
    for minute in range(100):
        start = NOON + minute * MINUTE
        found = {kept(tracer, together="news", start=start + second * 10**9) for second in range(0, 60, 7)}
        assert len(found) == 1


@pytest.mark.usefixtures("a_tenth")
def test_a_share_of_minutes_is_kept_and_others_for_each_channel(tracer: Tracer) -> None:
    drawn = {
        channel: [kept(tracer, together=channel, start=NOON + minute * MINUTE) for minute in range(1_000)]
        for channel in ("news", "sport")
    }
    assert all(60 < sum(found) < 140 for found in drawn.values())
    assert drawn["news"] != drawn["sport"]


@pytest.mark.usefixtures("a_tenth")
def test_another_process_draws_the_same(tracer: Tracer, collected: Collected) -> None:
    other = collected.tracer()
    for minute in range(200):
        start = NOON + minute * MINUTE
        assert kept(tracer, together="news", start=start) == kept(other, together="news", start=start)
    other.close()


def test_traces_of_one_minute_have_ids_of_their_own(tracer: Tracer, collected: Collected) -> None:
    for _ in range(100):
        tracer.begin("upload", start=NOON, together="news").end(NOON)
    tracer.close()
    ids = {span.context.trace_id for span in collected.spans if span.context}
    assert len({one & 0xFFFFFFFF for one in ids}) == len({one >> 64 for one in ids}) == 100


def test_what_a_parent_says_of_sampling_holds(tracer: Tracer) -> None:
    follower = tracer.begin("upload", start=NOON, parent=ENCODERS)
    assert follower.context is not None
    assert follower.context.trace_id == ENCODERS.trace_id
    assert follower.headers() == follower.context.headers()
    assert follower.context.state == "vendor=1"
    left = TraceContext(ENCODERS.trace_id, ENCODERS.span_id, sampled=False)
    assert tracer.begin("upload", start=NOON, parent=left) is NO_SPAN


def test_spans_are_exported_as_they_were_told(tracer: Tracer, collected: Collected) -> None:
    links = [Link(ENCODERS, {"understudy.input": 2})]
    with tracer.begin("decide slot", start=NOON, kind=Kind.CONSUMER, links=links, attributes={"a": 1}) as span:
        span.set({"b": [1, 2]})
        span.event("input complete", {"understudy.input": 1}, at=NOON + 5)
        span.child("wait", start=NOON).end(NOON + 7)
    tracer.close()
    waiting, decision = collected.spans
    assert (waiting.name, waiting.start_time, waiting.end_time) == ("wait", NOON, NOON + 7)
    assert waiting.parent is not None
    assert decision.context is not None
    assert waiting.parent.span_id == decision.context.span_id
    assert decision.attributes == {"a": 1, "b": (1, 2)}
    assert [(event.name, event.timestamp) for event in decision.events] == [("input complete", NOON + 5)]
    assert [f"{link.context.span_id:016x}" for link in decision.links] == [ENCODERS.span_id]
    assert decision.kind.name == "CONSUMER"
    assert decision.resource.attributes["service.name"] == "understudy-ingest"


def test_a_span_never_ends_before_it_begins(tracer: Tracer, collected: Collected) -> None:
    tracer.begin("list slot", start=NOON).end(NOON - 1)
    tracer.close()
    assert collected.spans[0].end_time == NOON


@pytest.mark.parametrize(
    ("kind", "error", "is_ours"),
    [(Kind.SERVER, UnderstudyError("ours"), True), (Kind.CLIENT, BusUnavailable("away"), True)],
)
def test_what_failed_says_so(
    tracer: Tracer, collected: Collected, kind: Kind, error: UnderstudyError, is_ours: bool
) -> None:
    with pytest.raises(UnderstudyError), tracer.begin("upload", start=NOON, kind=kind):
        raise error
    tracer.close()
    (span,) = collected.spans
    assert span.status.is_ok is not is_ours
    assert span.attributes is not None
    assert span.attributes["error.type"] == error.code


def test_the_resource_is_what_the_environment_says(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "origin")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.namespace=live")
    tracer = collected.tracer()
    tracer.begin("upload", start=NOON).end(NOON)
    tracer.close()
    told = collected.spans[0].resource.attributes
    assert (told["service.name"], told["service.namespace"]) == ("origin", "live")
    assert told["deployment.environment.name"] == "test"


# --- the environment --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "5"),
        ("OTEL_TRACES_SAMPLER_ARG", "a tenth"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://collector"),
        ("OTEL_TRACES_EXPORTER", "jaeger"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[collector"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:otlp"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Bearer token"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem"),
        ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/nowhere.pem"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "99999999999"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10000"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "nan"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer\nx"),
        ("OTEL_EXPORTER_OTLP_HEADERS", 'authorization="x"'),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b%0d%0ahost:%20c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=%C3%A4"),
        ("OTEL_RESOURCE_ATTRIBUTES", "production"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-1"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"),
    ],
)
def test_a_variable_that_is_wrong_ends_the_service_with_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=name):
        tracing.opened(CommonSettings(traces="otlp"), service="ingest")


@pytest.mark.parametrize(
    ("headers", "read"),
    [
        ("a=b", {"a": "b"}),
        ("authorization=Bearer%20x, x-tenant=live\n", {"authorization": "Bearer x", "x-tenant": "live"}),
        ("authorization=Bearer x", {"authorization": "Bearer x"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=", {"a": ""}),
        ("a=b/c:d<e", {"a": "b/c:d<e"}),
    ],
)
def test_headers_are_taken_as_opentelemetry_reads_them(
    monkeypatch: pytest.MonkeyPatch, headers: str, read: dict[str, str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", headers)
    assert OtlpSettings().exporter_otlp_headers == headers
    assert parse_env_headers(headers, liberal=True) == read


def test_a_header_that_is_wrong_is_not_told_for_it_may_be_a_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer se\ncret")
    with pytest.raises(SystemExit) as ended:
        tracing.opened(CommonSettings(traces="otlp"), service="ingest")
    assert "cret" not in f"{ended.value}{caplog.text}"


@pytest.mark.parametrize(("limit", "length"), [("", 1_024), ("7", 7)])
def test_what_others_say_is_cut_off_and_no_line_in_the_log(
    collected: Collected, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, limit: str, length: int
) -> None:
    monkeypatch.setenv("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", limit)
    tracer = collected.tracer()
    tracer.begin("upload", start=NOON, attributes={"user_agent.original": "a" * 60_000}).end(NOON)
    tracer.close()
    assert collected.spans[0].attributes == {"user_agent.original": "a" * length}
    assert caplog.messages == []


def test_what_is_cut_off_is_not_told_as_the_reason_why_spans_are_lost(
    collected: Collected, caplog: pytest.LogCaptureFixture
) -> None:
    tracer = collected.tracer()
    collected.takes = False
    collected.goes_on.clear()
    tracer.begin("upload", start=NOON).end(NOON)
    assert collected.asked.wait(5)
    tracer.begin("upload", start=NOON, attributes={"user_agent.original": "a" * 60_000})
    collected.goes_on.set()
    tracer.close()
    assert caplog.messages[0].endswith("the collector said 503")


def test_the_endpoint_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OtlpSettings().told_endpoint == "http://localhost:4318"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:p@ss@otlp.example.com/otlp?token=secret")
    assert OtlpSettings().told_endpoint == "https://otlp.example.com/otlp"


def test_the_sdk_can_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert tracing.opened(CommonSettings(traces="otlp"), service="ingest") is NO_TRACER


def test_without_the_setting_there_are_none() -> None:
    assert tracing.opened(CommonSettings(), service="ingest") is NO_TRACER
    assert NO_TRACER.begin("upload", start=NOON) is NO_SPAN
    with NO_SPAN.child("step") as step:
        assert step.headers() is None


# --- exporting --------------------------------------------------------------------------------------------------------


def export(exporter: SpanExporter, *, queue_max: int = 10) -> SpanExport:
    return SpanExport(exporter, queue_max=queue_max, batch_max=5, delay_seconds=0.001)


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    exporter = Collected()
    exporter.goes_on.clear()
    queue = export(exporter)
    queue.on_end(a_span())
    assert exporter.asked.wait(5)
    for _ in range(13):
        queue.on_end(a_span())
    assert queue.dropped == {"queue_full": 3, "refused": 0, "at_end": 0}
    exporter.goes_on.set()
    queue.shutdown()
    assert (queue.exported, len(exporter.spans)) == (11, 11)
    queue.on_end(a_span())
    assert queue.dropped["at_end"] == 1


def test_what_the_collector_refuses_is_counted_and_told_seldom(caplog: pytest.LogCaptureFixture) -> None:
    exporter = Collected()
    exporter.takes = False
    queue = export(exporter)
    for _ in range(3):
        queue.on_end(a_span())
        assert exporter.asked.wait(5)
        exporter.asked.clear()
    queue.shutdown()
    assert queue.dropped == {"queue_full": 0, "refused": 3, "at_end": 0}
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.endswith("the collector did not take them: the collector said 503")


def a_span() -> ReadableSpan:
    return ReadableSpan("span")


# --- logs -------------------------------------------------------------------------------------------------------------


def test_lines_that_are_logged_of_a_trace_name_it(tracer: Tracer) -> None:
    def line() -> str:
        return JsonFormatter("ingest").format(logging.makeLogRecord({"msg": "held"}))

    def named(span: Span) -> str:
        span.name_in_logs()
        return line()

    token = TRACE_ID.set(None)
    follower = tracer.begin("upload", start=NOON, parent=ENCODERS)
    assert f'"trace_id": "{ENCODERS.trace_id}"' in named(follower)
    assert "trace_id" not in named(NO_SPAN)
    TRACE_ID.reset(token)

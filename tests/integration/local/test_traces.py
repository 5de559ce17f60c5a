"""One trace shows a segment's way through the whole local stack, as a collector receives it."""

from __future__ import annotations

import itertools
import json
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
import pytest

from support.control import Control, CreatedChannel
from support.deadline import eventually
from support.encoded_media import AAC, H264, encode
from support.otlp_receiver import OtlpReceiver, ReceivedSpan
from support.stack import Stack, free_port_offset
from support.traced_channel import PLAYLIST, UPLOAD, environment, first, push, put, watch, way_of

pytestmark = pytest.mark.takes(seconds=15)

DELAY_SECONDS = 2
SEGMENTS = 4
LISTED = 2
"""Slots that are waited for."""
EXPORT_SECONDS = 1
STOP_SECONDS = 12
NANOSECONDS = 1_000_000_000
OF_AN_ENCODER = "4bf92f3577b34da6a3ce929d0e0e4736"
OF_A_STRANGER = "0af7651916cd43dd8448eb211c80319c"
NOT_SAMPLED = "00003.ts"
SENT_BY_ENCODER = ("", "", f"00-{OF_AN_ENCODER}-00f067aa0ba902b7-01", "00-" + 16 * "5f" + "-00f067aa0ba902b7-00")
"""With each segment."""
WAY = (
    UPLOAD,
    "publish arrivals.{shard}.{channel}.{input}",
    "decide slot",
    "publish program.{shard}.{origin_endpoint}",
    "list slot",
    PLAYLIST,
)
"""Each the parent of the next."""


@pytest.fixture(scope="module")
def collector() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def encoding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Future[list[bytes]]]:
    """Segments, encoded while the stack starts."""
    folder = tmp_path_factory.mktemp("media")

    def encoded() -> list[bytes]:
        return [path.read_bytes() for path in encode(folder, f"{H264} {AAC}", seconds=2 * (SEGMENTS + 1))]

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(encoded)


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    collector: OtlpReceiver,
    encoding: Future[list[bytes]],  # has begun meanwhile
) -> Iterator[Stack]:
    stack = Stack(
        tmp_path_factory.mktemp("traced") / "data",
        port_offset=free_port_offset(),
        environment=environment(collector) | {"OTEL_EXPORTER_OTLP_TIMEOUT": str(EXPORT_SECONDS)},
    )
    stack.start()
    yield stack
    if stack.is_running:
        stack.stop()


@pytest.fixture(scope="module")
def segments(encoding: Future[list[bytes]]) -> list[bytes]:
    return encoding.result()


@pytest.fixture(scope="module")
def channel(stack: Stack, collector: OtlpReceiver, segments: list[bytes]) -> CreatedChannel:
    """One that both inputs have pushed some segments to, with two origin endpoints, of which one has been watched."""
    control = Control(stack)
    channel = control.create_channel("traced")
    endpoint = control.create_endpoint("traced-hls", channel, segment_seconds=2, time_delay_seconds=DELAY_SECONDS)
    control.create_endpoint("traced-long", channel, segment_seconds=4)
    httpx.get(endpoint.url)  # from the first request on an origin endpoint is followed
    for number, body in enumerate(segments[:SEGMENTS]):
        push(channel.inputs, number, body, traceparent=SENT_BY_ENCODER[number])

    def has_been_listed() -> bool:
        watch(endpoint.url, traceparent=f"00-{OF_A_STRANGER}-00f067aa0ba902b7-01")
        return len(traces_that_end_in_a_playlist(collector)) >= LISTED

    eventually(has_been_listed, within_seconds=20, what="playlists that list the slots", poll_seconds=0.1)
    return channel


def traces_that_end_in_a_playlist(collector: OtlpReceiver) -> list[list[ReceivedSpan]]:
    """But for that of the encoder, which has two uploads in it."""
    ends = [span for span in collector.spans if span.name == PLAYLIST and span.trace_id != OF_AN_ENCODER]
    return [collector.trace(span.trace_id) for span in ends]


@pytest.mark.usefixtures("channel")
def test_one_trace_goes_from_the_upload_to_the_first_playlist_that_lists_it(collector: OtlpReceiver) -> None:
    traces = traces_that_end_in_a_playlist(collector)
    assert len({trace[0].trace_id for trace in traces}) == LISTED == len(traces)
    for trace in traces:
        way = way_of(trace)
        assert tuple(span.name for span in way) == WAY
        starts = [span.start for span in way]
        assert starts == sorted(starts)
        assert [(span.service, span.kind) for span in way] == [
            ("understudy-ingest", "SERVER"),
            ("understudy-ingest", "PRODUCER"),
            ("understudy-controller", "CONSUMER"),
            ("understudy-controller", "PRODUCER"),
            ("understudy-egress", "CONSUMER"),
            ("understudy-egress", "SERVER"),
        ]
        assert not any(span.is_error or span.end < span.start for span in trace)
    assert collector.paths == {"/v1/traces"}


@pytest.mark.usefixtures("channel")
def test_what_an_upload_was_waiting_for_is_in_it(collector: OtlpReceiver) -> None:
    for trace in traces_that_end_in_a_playlist(collector):
        upload = first(trace, UPLOAD)
        steps = [span for span in trace if span.parent_id == upload.span_id]
        assert [span.name for span in steps] == ["receive body", "probe segment", "S3.PutObject", WAY[1]]
        assert all(one.end <= other.start for one, other in itertools.pairwise(steps))
        assert upload.start <= steps[0].start
        assert steps[-1].end <= upload.end
        assert upload.attributes["http.response.status_code"] == 201
        assert upload.attributes["understudy.object_key"] == first(trace, "S3.PutObject").attributes["aws.s3.key"]


@pytest.mark.usefixtures("channel")
def test_a_decision_says_what_it_was_and_the_time_delay_is_seen(collector: OtlpReceiver) -> None:
    for trace in traces_that_end_in_a_playlist(collector):
        _, _, decision, _, listing, _ = way_of(trace)
        told = decision.attributes
        assert (told["understudy.channel"], told["understudy.origin_endpoint"]) == ("traced", "traced-hls")
        assert told["understudy.active_input"] in told["understudy.inputs"]
        assert told["understudy.reason"] in ("start", "keep")
        assert told["understudy.media_sequence"] == listing.attributes["understudy.media_sequence"]
        assert any(name == "input complete" for name, _, _ in decision.events)
        if told["understudy.reason"] == "start":
            continue  # which waits for the other input
        waiting = first(trace, "wait until available")
        assert waiting.parent_id == listing.span_id
        assert waiting.end - waiting.start >= 0.3 * DELAY_SECONDS * NANOSECONDS
        assert waiting.end - first(trace, UPLOAD).start >= DELAY_SECONDS * NANOSECONDS
        assert waiting.end <= first(trace, "render playlists").start <= listing.end


@pytest.mark.usefixtures("channel")
def test_a_slot_of_several_pieces_is_linked_to_their_uploads(collector: OtlpReceiver) -> None:
    def decisions() -> list[ReceivedSpan]:
        return [span for span in collector.spans if span.attributes.get("understudy.origin_endpoint") == "traced-long"]

    eventually(decisions, within_seconds=10, what="a decision for the endpoint of long segments", poll_seconds=0.1)
    decision = decisions()[0]
    assert decision.attributes["understudy.pieces"] == 2
    ((trace_id, span_id, told),) = decision.links
    assert trace_id != decision.trace_id
    assert any(span.span_id == span_id and span.name == WAY[1] for span in collector.trace(trace_id))
    assert told == {"understudy.input": decision.attributes["understudy.active_input"], "understudy.rendition": "v1"}


@pytest.mark.usefixtures("channel")
def test_the_trace_of_an_encoder_is_gone_on_with_and_that_of_a_stranger_is_not(collector: OtlpReceiver) -> None:
    uploads = [span for span in collector.spans if span.name == UPLOAD]
    of_encoder = [span for span in uploads if span.trace_id == OF_AN_ENCODER]
    assert [span.parent_id for span in of_encoder] == ["00f067aa0ba902b7"] * 2
    assert not any(span.attributes["url.path"].endswith(NOT_SAMPLED) for span in uploads)
    assert not any(span.trace_id == OF_A_STRANGER for span in collector.spans)


def test_a_controller_that_takes_over_reads_all_again_and_traces_nothing_twice(
    stack: Stack, collector: OtlpReceiver, channel: CreatedChannel, segments: list[bytes]
) -> None:
    stack.kill("controller")  # and it is started again
    push(channel.inputs, SEGMENTS, segments[SEGMENTS])

    def decided() -> list[tuple[str, int]]:
        decisions = [span.attributes for span in collector.spans if span.name == "decide slot"]
        return [(told["understudy.origin_endpoint"], told["understudy.media_sequence"]) for told in decisions]

    eventually(lambda: ("traced-hls", SEGMENTS) in decided(), within_seconds=20, what="the next slot", poll_seconds=0.1)
    assert len(set(decided())) == len(decided())


def test_a_collector_that_hangs_costs_spans_and_nothing_else(
    stack: Stack, collector: OtlpReceiver, channel: CreatedChannel, segments: list[bytes]
) -> None:
    collector.hang()
    took = []
    for number in range(9):
        begun = time.monotonic()
        put(channel.inputs[0], f"again-{number}.ts", segments[0])
        took.append(time.monotonic() - begun)
    assert statistics.median(took) < EXPORT_SECONDS  # an upload that waited for the collector would take so long

    def has_been_refused() -> bool:
        lines = httpx.get(f"{stack.ingest_url}/metrics").text.splitlines()
        name = 'understudy_spans_dropped_total{component="ingest",reason="refused"} '
        return any(float(line.removeprefix(name)) > 0 for line in lines if line.startswith(name))

    eventually(has_been_refused, within_seconds=15, what="spans that are dropped", poll_seconds=0.2)
    put(channel.inputs[0], "last.ts", segments[0])
    assert stack.stop() < STOP_SECONDS
    log = [json.loads(line) for line in (stack.data_directory / "logs" / "ingest.log").read_text().splitlines()]
    lost = [line["message"] for line in log if "the collector did not take them" in line["message"]]
    assert 1 <= len(lost) <= 3
    assert not any(line["logger"].startswith("opentelemetry") for line in log)

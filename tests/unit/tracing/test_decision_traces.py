"""Which upload a decision follows from, and what of a slot is traced at all."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import count

import pytest

from support.collected_spans import Collected
from support.program_entries import START, make_entries, make_piece, make_video, seconds
from understudy_controller.loop.decision_traces import DecisionTraces
from understudy_domain.entry import AsOf, EntryPiece, ProgramEntry
from understudy_domain.facts import SegmentArrived
from understudy_domain.media import Probe
from understudy_domain.ticks import to_nanoseconds
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage
from understudy_runtime.settings import CommonSettings
from understudy_runtime.trace_context import TraceContext
from understudy_runtime.tracing import NO_SPAN, NO_TRACER, Tracer

PROBE = Probe("mpegts", (), digest="")
PIECES = tuple(make_piece(number) for number in range(3))


class Uploads:
    """Facts as they are read, each with a trace of its own."""

    def __init__(self, traces: DecisionTraces) -> None:
        self._traces = traces
        self._sequences = count(1)

    def arrive(self, piece: EntryPiece, *, sampled: bool = True) -> TraceContext:
        sequence = next(self._sequences)
        context = TraceContext(f"{sequence:032x}", f"{sequence:016x}", sampled=sampled)
        lines = "".join(f"{name}: {value}\r\n" for name, value in context.headers().items())
        message = StoredMessage(
            "arrivals.3.channel.1", sequence, START + seconds(sequence), b"", 0, f"NATS/1.0\r\n{lines}\r\n".encode()
        )
        fact = SegmentArrived(path="1.ts", object_key=piece.object_key, size=1, probe=PROBE)
        self._traces.arrived(fact, message)
        return context


@pytest.fixture
def traces(tracer: Tracer) -> DecisionTraces:
    return DecisionTraces(tracer, ConfigStore(Bus(CommonSettings(), name="test")))


def entry_of(*pieces: EntryPiece) -> ProgramEntry:
    (entry,) = make_entries(1)
    return replace(entry, renditions=(make_video(*pieces),), as_of=AsOf(START + seconds(10), 99))


def test_the_last_upload_is_the_parent_and_the_others_are_links(
    traces: DecisionTraces, tracer: Tracer, collected: Collected
) -> None:
    uploads = Uploads(traces)
    first, second, last = (uploads.arrive(PIECES[number]) for number in (0, 2, 1))
    span = traces.decided(entry_of(*PIECES))
    assert span.context is not None
    assert span.context.trace_id == last.trace_id
    span.end()
    tracer.close()
    (told,) = collected.named("decide slot")
    assert {f"{link.context.trace_id:032x}" for link in told.links} == {first.trace_id, second.trace_id}
    assert told.start_time == to_nanoseconds(START + seconds(3))
    (waited,) = collected.named("wait to decide")
    assert (waited.start_time, waited.end_time) == (told.start_time, to_nanoseconds(START + seconds(10)))


def test_a_slot_that_is_made_of_no_upload_that_is_kept_has_no_trace(traces: DecisionTraces) -> None:
    Uploads(traces).arrive(PIECES[0], sampled=False)
    assert traces.decided(entry_of(PIECES[0])) is NO_SPAN
    assert traces.decided(entry_of(PIECES[1])) is NO_SPAN


def test_a_gap_begins_a_trace(traces: DecisionTraces, tracer: Tracer, collected: Collected) -> None:
    traces.decided(entry_of()).end()
    tracer.close()
    (told,) = collected.named("decide slot")
    assert told.parent is None
    assert told.attributes is not None
    assert told.attributes["understudy.gap"] is True


def test_the_end_of_a_programme_is_no_slot(traces: DecisionTraces) -> None:
    Uploads(traces).arrive(PIECES[0])
    assert traces.decided(replace(entry_of(PIECES[0]), ended=True)) is NO_SPAN


def test_several_endpoints_decide_in_the_same_trace(traces: DecisionTraces) -> None:
    upload = Uploads(traces).arrive(PIECES[0])
    decided = [traces.decided(replace(entry_of(PIECES[0]), origin_endpoint=guid)) for guid in ("a" * 32, "b" * 32)]
    assert {span.context.trace_id for span in decided if span.context} == {upload.trace_id}


def test_facts_alone_make_no_spans_however_often_they_are_read(
    traces: DecisionTraces, tracer: Tracer, collected: Collected
) -> None:
    uploads = Uploads(traces)
    for _ in range(2):
        for piece in PIECES:
            uploads.arrive(piece)
    tracer.close()
    assert collected.spans == []


def test_what_is_remembered_is_bounded_and_costs_the_same_once_it_is_full(
    traces: DecisionTraces, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = TraceContext("1" * 32, "2" * 16)
    monkeypatch.setattr(TraceContext, "parse", lambda _: context)  # which would take most of the time
    message = StoredMessage("arrivals.3.channel.1", 1, START, b"", 0)

    def seconds_of(numbers: range) -> float:
        begun = time.process_time()
        for number in numbers:
            traces.arrived(SegmentArrived(path="1.ts", object_key=f"key-{number}", size=1, probe=PROBE), message)
        return time.process_time() - begun

    filling = seconds_of(range(10_000))
    seconds_of(range(10_000, 140_000))
    assert seconds_of(range(140_000, 150_000)) < 6 * filling
    assert traces.remembered == 65_536


def test_where_traces_are_off_there_are_none() -> None:
    off = DecisionTraces(NO_TRACER, ConfigStore(Bus(CommonSettings(), name="test")))
    assert not off.is_on
    assert off.decided(entry_of()) is NO_SPAN

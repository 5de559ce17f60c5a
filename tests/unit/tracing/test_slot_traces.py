"""What egress tells of a slot: taken in, listed once it is available, and first asked for."""

from __future__ import annotations

import tracemalloc

import pytest

from support.collected_spans import Collected
from support.program_entries import make_endpoint, make_entries, seconds
from understudy_domain.entry import ProgramEntry
from understudy_domain.ticks import to_nanoseconds
from understudy_egress import slot_traces
from understudy_egress.board import Shown
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.programme import Programme
from understudy_egress.slot_traces import SlotTraces
from understudy_runtime import clock
from understudy_runtime.messages import StoredMessage
from understudy_runtime.trace_context import TraceContext
from understudy_runtime.tracing import Tracer

ENDPOINT = make_endpoint(window_seconds=30)
MEDIA = f"/out/v1/{ENDPOINT.guid}/index_v1.m3u8".encode()
DECIDED = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")


class Egress:
    """An origin endpoint in memory, and the traces of its slots."""

    def __init__(self, tracer: Tracer, *, window_seconds: int = 30) -> None:
        self.shown: Shown = {}
        endpoint = make_endpoint(window_seconds=window_seconds)
        self.programme = Programme(endpoint, self.shown, secrets=CdnSecrets(None))
        self.traces = SlotTraces(tracer)

    def take(self, entry: ProgramEntry, *, stored: int | None = None, context: TraceContext = DECIDED) -> None:
        self.remember(entry, stored=stored, context=context)
        self.programme.append(entry, now=0)

    def remember(self, entry: ProgramEntry, *, stored: int | None = None, context: TraceContext = DECIDED) -> None:
        """Its trace alone."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in context.headers().items())
        instant = clock.now_ticks() if stored is None else stored
        message = StoredMessage("program.3.endpoint", 1, instant, b"", 0, f"NATS/1.0\r\n{lines}\r\n".encode())
        self.traces.taken(self.programme, entry, message, at=to_nanoseconds(instant))

    def show(self, entry: ProgramEntry) -> None:
        """As of when the entry is available."""
        self.programme.advance(now=entry.available_at)
        self.traces.shown(self.programme)

    def ask(self, method: str = "GET") -> bool:
        """As a viewer does; whether that may be traced."""
        used = self.shown[MEDIA].used
        if used is not None:
            used(method, 200, 0.001)
        return used is not None


def test_a_slot_is_listed_when_it_is_available_and_told_of_once(tracer: Tracer, collected: Collected) -> None:
    egress = Egress(tracer)
    first, second = make_entries(2)
    egress.take(first)
    egress.take(second)
    egress.show(first)
    assert egress.ask()
    assert not egress.ask()
    egress.show(second)
    assert egress.ask()
    tracer.close()
    for name in ("list slot", "GET /out/v1/{origin_endpoint}/{playlist}"):
        numbers = [span.attributes["understudy.media_sequence"] for span in collected.named(name) if span.attributes]
        assert numbers == [first.media_sequence, second.media_sequence]
    listed, asked = collected.named("list slot")[0], collected.named("GET /out/v1/{origin_endpoint}/{playlist}")[0]
    assert listed.parent is not None
    assert listed.context is not None
    assert asked.parent is not None
    assert f"{listed.parent.span_id:016x}" == DECIDED.span_id
    assert asked.parent.span_id == listed.context.span_id


@pytest.mark.parametrize(("count", "told"), [(3, 3), (20, 5)])
def test_one_request_tells_of_all_that_it_lists_and_nobody_had_asked_for(
    tracer: Tracer, collected: Collected, count: int, told: int
) -> None:
    egress = Egress(tracer)
    for entry in make_entries(count):
        egress.take(entry)
        egress.show(entry)
    egress.ask()
    tracer.close()
    assert len(collected.named("GET /out/v1/{origin_endpoint}/{playlist}")) == egress.programme.listed_count == told


def test_who_asks_for_the_head_alone_is_not_the_first_to_ask(tracer: Tracer, collected: Collected) -> None:
    egress = Egress(tracer)
    (entry,) = make_entries(1)
    egress.take(entry)
    egress.show(entry)
    assert egress.ask("HEAD")
    assert egress.ask("GET")
    tracer.close()
    (asked,) = [span for span in collected.spans if span.kind.name == "SERVER"]
    assert asked.name == "GET /out/v1/{origin_endpoint}/{playlist}"


@pytest.mark.parametrize(("of_endpoint", "of_all"), [(3, 100), (100, 3)])
def test_what_waits_for_its_time_is_bounded_and_those_that_wait_are_told_of(
    tracer: Tracer, collected: Collected, monkeypatch: pytest.MonkeyPatch, of_endpoint: int, of_all: int
) -> None:
    monkeypatch.setattr(slot_traces, "_SLOTS_OF_ENDPOINT_MAX", of_endpoint)
    monkeypatch.setattr(slot_traces, "_SLOTS_MAX", of_all)
    egress = Egress(tracer)
    entries = make_entries(10)
    for entry in entries[:9]:
        egress.take(entry)
    assert egress.traces.waiting == 3
    egress.show(entries[8])
    assert egress.traces.waiting == 0
    egress.take(entries[9])
    egress.show(entries[9])
    tracer.close()
    told = [span.attributes["understudy.media_sequence"] for span in collected.named("list slot") if span.attributes]
    assert told == [one.media_sequence for one in (*entries[:3], entries[9])]


def test_a_slot_that_waits_takes_little_memory(tracer: Tracer) -> None:
    egress = Egress(tracer)
    entries = make_entries(1_000)
    tracemalloc.start()
    for entry in entries:
        egress.remember(entry)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert egress.traces.waiting == len(entries)
    assert taken / len(entries) < 1_000


def test_a_request_makes_spans_for_the_newest_of_a_playlist_that_lists_an_hour(
    tracer: Tracer, collected: Collected
) -> None:
    egress = Egress(tracer, window_seconds=3_600)
    for entry in make_entries(200):
        egress.take(entry)
        egress.show(entry)
    assert egress.programme.listed_count == 200
    egress.ask()
    tracer.close()
    assert len(collected.named("GET /out/v1/{origin_endpoint}/{playlist}")) == 64


def test_what_is_read_again_and_what_is_not_kept_makes_no_spans(tracer: Tracer, collected: Collected) -> None:
    egress = Egress(tracer)
    old, unkept = make_entries(2)
    egress.take(old, stored=clock.now_ticks() - seconds(61))
    egress.take(unkept, context=TraceContext(DECIDED.trace_id, DECIDED.span_id, sampled=False))
    egress.show(unkept)
    assert not egress.ask()
    tracer.close()
    assert collected.spans == []


def test_an_endpoint_that_is_gone_is_forgotten(tracer: Tracer) -> None:
    egress = Egress(tracer)
    (entry,) = make_entries(1)
    egress.take(entry)
    egress.traces.forget(ENDPOINT.guid)
    assert egress.traces.waiting == 0
    egress.show(entry)
    assert not egress.ask()

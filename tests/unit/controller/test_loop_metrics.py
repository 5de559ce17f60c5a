"""What the decision loop shows of channels and endpoints: from their state and last entries, at the time of asking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from support.program_entries import ENDPOINT_GUID, make_entry, seconds
from understudy_controller.loop.metrics import LoopMetrics
from understudy_controller.loop.shown import ShownChannel, ShownEndpoint
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import AsOf, Evidence, InputEvidence, ProgramEntry
from understudy_domain.facts import SegmentArrived
from understudy_domain.grid import Grid
from understudy_domain.lag import Lag
from understudy_domain.media import Probe
from understudy_domain.piece import ParkedSegment
from understudy_domain.reason import Reason
from understudy_domain.session import Session
from understudy_runtime import clock

LABELS = {"channel": "news", "origin_endpoint": "news-hls"}
GUID = "c" * 32


class Shown:
    """One channel with one endpoint, as a controller has them."""

    def __init__(self) -> None:
        self.state = ChannelState(GUID)
        self.last: ProgramEntry | None = None
        self.held_since: int | None = None
        self.is_here = True
        self.registry = CollectorRegistry()
        self.metrics = LoopMetrics(self.registry, shown=self)

    def __call__(self) -> Iterator[ShownChannel]:
        if self.is_here:
            endpoint = ShownEndpoint("news", "news-hls", ENDPOINT_GUID, self.last, self.held_since)
            yield ShownChannel("news", self.state, (endpoint,))

    def publish(self, entry: ProgramEntry) -> None:
        self.metrics.count(entry, before=self.last)
        self.last = entry

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, {**LABELS, **labels})

    def of_input(self, name: str, input_id: int) -> float | None:
        return self.registry.get_sample_value(name, {"channel": "news", "input": str(input_id)})

    def of_channel(self, name: str) -> float | None:
        return self.registry.get_sample_value(name, {"channel": "news"})

    def decided(self) -> dict[str, float | None]:
        names = [reason.value for reason in Reason if reason is not Reason.END]
        return {name: self.value("understudy_decisions_total", reason=name) for name in names}

    def series(self) -> list[str]:
        return [family.name for family in self.registry.collect() for one in family.samples if "channel" in one.labels]


def decided_at(number: int, *, before_deadline: float, due_before: float = 0.75) -> ProgramEntry:
    """A slot that was decided so many seconds before its deadline, which is so long after it was due."""
    entry = make_entry(number)
    deadline = entry.as_of.instant + seconds(before_deadline)
    inputs = (InputEvidence(1, complete=True, due=deadline - seconds(due_before)), InputEvidence(2, complete=True))
    return replace(entry, evidence=Evidence(deadline, inputs))


def test_every_number_is_at_zero_before_the_first_decision_so_that_increases_show_the_first_failover() -> None:
    shown = Shown()
    assert set(shown.decided().values()) == {0.0}
    for name in ("skipped", "stalled"):
        assert shown.value(f"understudy_{name}_seconds_total") == 0
    for of in ("slot", "rendition"):
        assert shown.value("understudy_gap_seconds_total", of=of) == 0
    assert [shown.value("understudy_active_input", input=one) for one in ("1", "2")] == [0, 0]


def test_an_endpoint_shows_what_it_follows_and_what_was_decided_for_it() -> None:
    shown = Shown()
    shown.publish(make_entry(1))
    shown.publish(replace(make_entry(2), active_input=2, reason=Reason.FAILOVER))
    assert [shown.value("understudy_active_input", input=one) for one in ("1", "2")] == [0, 1]
    assert shown.decided() | {"keep": 1.0, "failover": 1.0} == shown.decided()
    assert [shown.value("understudy_published_seconds_total", input=one) for one in ("1", "2")] == [6, 6]


def test_a_channel_that_is_deleted_or_decided_elsewhere_leaves_no_series() -> None:
    shown = Shown()
    shown.state.inputs[0].last_arrived_at = clock.now_ticks()
    shown.metrics.count_arrival(GUID, 1)
    shown.publish(make_entry(1))
    assert shown.series()
    shown.is_here = False
    assert shown.series() == []
    shown.metrics.forget_channel(GUID)
    shown.metrics.forget_endpoint(ENDPOINT_GUID)
    shown.is_here, shown.last = True, None
    assert shown.of_input("understudy_arrivals_total", 1) is None
    assert set(shown.decided().values()) == {0.0}


def test_the_end_of_a_programme_is_shown_and_is_no_slot() -> None:
    shown = Shown()
    entry = make_entry(7)
    for one, ended in ((entry, 0.0), (replace(entry, ended=True, reason=Reason.END), 1.0), (make_entry(8), 0.0)):
        shown.publish(one)
        assert shown.value("understudy_programme_ended") == ended
    assert shown.decided()["keep"] == 2.0
    assert shown.value("understudy_decisions_total", reason="end") is None


def test_headroom_is_what_was_left_until_the_deadline_and_the_lowest_of_a_minute_is_kept() -> None:
    shown = Shown()
    assert shown.value("understudy_headroom_seconds") is None
    for number, left in enumerate((0.7, 0.1, 0.6)):
        shown.publish(decided_at(number, before_deadline=left))
    assert shown.value("understudy_headroom_seconds") == pytest.approx(0.6)
    assert shown.value("understudy_headroom_lowest_seconds") == pytest.approx(0.1)
    assert shown.value("understudy_headroom_usual_seconds") == pytest.approx(0.75)
    for number in range(3, 13):  # a minute of slots of 6 s later it is forgotten
        shown.publish(decided_at(number, before_deadline=0.5))
    assert shown.value("understudy_headroom_lowest_seconds") == pytest.approx(0.5)


def test_headroom_is_negative_where_a_slot_came_after_its_deadline_and_absent_without_one() -> None:
    shown = Shown()
    shown.publish(decided_at(1, before_deadline=-2.0))
    assert shown.value("understudy_headroom_seconds") == -2
    shown.publish(replace(make_entry(2), reason=Reason.START))
    assert shown.value("understudy_headroom_seconds") is None


def test_a_gap_and_what_some_renditions_lack_are_counted_apart() -> None:
    shown = Shown()
    entry = make_entry(1)
    empty = replace(entry.renditions[0], pieces=())
    shown.publish(replace(entry, renditions=(*entry.renditions, replace(empty, rendition="v2"))))
    shown.publish(replace(make_entry(2), renditions=(empty,), reason=Reason.GAP))
    assert shown.value("understudy_gap_seconds_total", of="rendition") == 6
    assert shown.value("understudy_gap_seconds_total", of="slot") == 6
    assert shown.value("understudy_published_seconds_total", input="1") == 6


def test_a_hold_that_ends_in_a_burst_counts_once_and_jitter_does_not() -> None:
    shown = Shown()
    for number, late in enumerate((0.4, 10.0, 8.0, 6.0, 0.9, 3.0)):
        entry = make_entry(number)
        instant = entry.available_at + seconds(late)
        shown.publish(replace(entry, as_of=AsOf(instant, number)))
    assert shown.value("understudy_stalled_seconds_total") == 13


def test_a_held_slot_is_shown_for_as_long_as_it_is_held() -> None:
    shown = Shown()
    assert shown.value("understudy_hold_seconds") == 0
    shown.held_since = clock.now_ticks() - seconds(4)
    held = shown.value("understudy_hold_seconds")
    assert held is not None
    assert 4 <= held < 5


def test_segments_that_no_playlist_names_are_shown_for_their_input() -> None:
    shown = Shown()
    one = shown.state.inputs[1]
    one.last_arrived_at = 1
    probe = Probe("mpegts", (), digest="d")
    one.unlisted = [ParkedSegment(SegmentArrived(f"{n}.ts", f"key-{n}", 1, probe), 1, n) for n in range(3)]
    assert shown.of_input("understudy_unlisted_segments", 2) == 3
    assert shown.of_input("understudy_unlisted_segments", 1) is None


def test_an_input_that_never_began_delivers_nothing_and_shows_nothing_else() -> None:
    shown = Shown()
    assert shown.of_input("understudy_input_delivering", 2) == 0
    assert shown.of_input("understudy_input_age_seconds", 2) is None
    assert shown.of_input("understudy_input_steady_seconds", 2) is None
    assert shown.of_channel("understudy_interchange_grade") is None


def test_what_an_input_lost_and_what_it_marked_as_filler_is_shown() -> None:
    shown = Shown()
    shown.state.grid = Grid(segment_duration=seconds(2), anchor=0)
    now = clock.now_ticks()
    one = shown.state.inputs[0]
    one.last_arrived_at, one.fillers = now, 2
    for start, end in ((0, 2), (2, 4), (8, 10), (10, 12)):
        one.steadiness.observe(
            session=1,
            start=now + seconds(start),
            end=now + seconds(end),
            renditions=1,
            arrived_at=now - seconds(30),
            lag=None,
            segment_duration=seconds(2),
        )
    assert shown.of_input("understudy_input_missing_seconds_total", 1) == 4
    assert shown.of_input("understudy_input_filler_segments_total", 1) == 2
    assert shown.of_input("understudy_input_delivering", 1) == 1


def test_skew_is_the_difference_of_the_lags_and_lateness_that_of_the_newest_segment() -> None:
    shown = Shown()
    for one, lag in zip(shown.state.inputs, (1.0, 1.5), strict=True):
        session = Session(id=1, modulus=None, newest_end=0, first_arrived_at=0, first_end=0)
        session.lag = Lag(value=seconds(lag), samples=[seconds(lag), seconds(lag + 0.25)])
        one.sessions.append(session)
    value = partial(pytest.approx, abs=1e-9)
    assert shown.of_channel("understudy_arrival_skew_seconds") == value(0.5)
    assert shown.of_input("understudy_input_lag_seconds", 2) == value(1.5)
    assert shown.of_input("understudy_input_lateness_seconds", 2) == value(0.25)
    assert shown.of_channel("understudy_interchange_grade") == 0

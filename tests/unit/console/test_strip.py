"""A channel's strip: what each input delivered and what was published of it, in one column each."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from support.synthetic import Broadcast, Message, SyntheticEncoder, configured
from understudy_controller.console.marks import Marks
from understudy_controller.console.strip_view import shown_view
from understudy_domain.channel import Channel
from understudy_domain.channel_state import ChannelState
from understudy_domain.facts import PlaylistArrived
from understudy_domain.reason import Reason
from understudy_domain.strip import Delivered, Run, delivered, shown
from understudy_domain.ticks import from_seconds


def broadcast(*encoders: SyntheticEncoder, segments: int = 12) -> Broadcast:
    """A channel with one endpoint of 2 s."""
    messages = [configured("two", seconds=2)]
    for encoder in encoders:
        messages += encoder.messages(range(segments))
    return Broadcast(messages).run()


def row(run: Broadcast, input_id: int) -> list[Delivered]:
    """What is held of an input."""
    return sorted(delivered(run.fold.state.input(input_id), run.fold.state), key=lambda mark: mark.segment)


def test_pieces_of_both_inputs_for_one_time_have_one_number_and_one_place() -> None:
    run = broadcast(SyntheticEncoder(1), SyntheticEncoder(2, lag_seconds=1.1))
    first, second = row(run, 1)[-1], row(run, 2)[-1]
    assert (first.segment, first.start, first.end) == (second.segment, second.start, second.end)
    assert second.arrived_at - first.arrived_at == from_seconds(0.8)
    assert (first.lateness, second.lateness) == (0, 0)


def test_a_slot_stands_where_its_pieces_do() -> None:
    run = broadcast(SyntheticEncoder(1), SyntheticEncoder(2))
    entry = run.of("two")[-1]
    slot = shown(entry, None)
    pieces = {mark.segment: mark for mark in row(run, 1)}
    assert (slot.start, slot.end) == (pieces[slot.slot].start, pieces[slot.slot].end)
    assert slot.runs == (Run(1, from_seconds(2)),)
    assert (slot.reason, slot.moved, slot.lost) == (Reason.KEEP, False, ())
    assert slot.words.startswith(f"Slot {slot.slot} came from input 1")


def test_a_late_piece_is_late_by_its_own_lag() -> None:
    run = broadcast(SyntheticEncoder(1, late={11: 1.5}), SyntheticEncoder(2))
    assert row(run, 1)[-1].lateness == pytest.approx(from_seconds(1.5), abs=2)
    assert row(run, 1)[-2].lateness == 0


def test_a_piece_that_one_rendition_lacks_says_which() -> None:
    two = ("channel_1.m3u8", "channel_2.m3u8")
    run = broadcast(
        SyntheticEncoder(1, playlists=two, lost_of_playlist={"channel_2.m3u8": {10}}),
        SyntheticEncoder(2, playlists=two),
    )
    marks = {mark.segment: mark for mark in row(run, 1)}
    assert (marks[10].renditions, marks[10].missing) == (("v1",), ("v2",))
    assert (marks[9].renditions, marks[9].missing) == (("v1", "v2"), ())


def test_what_never_came_is_no_piece() -> None:
    run = broadcast(SyntheticEncoder(1, lost={8, 9}), SyntheticEncoder(2))
    assert [mark.segment for mark in row(run, 1)][-4:] == [6, 7, 10, 11]


def test_marked_filler_is_told_and_is_no_piece() -> None:
    messages = [configured("two", seconds=2)]
    messages += [_with_filler(one, number=9) for one in SyntheticEncoder(1).messages(range(12))]
    messages += SyntheticEncoder(2).messages(range(12))
    marks = {mark.segment: mark for mark in row(Broadcast(messages).run(), 1)}
    assert marks[9].filler
    assert marks[9].renditions == ()
    assert not marks[8].filler


def _with_filler(message: Message, *, number: int) -> Message:
    fact = message.fact
    if not isinstance(fact, PlaylistArrived) or fact.lines[0].source_sequence != number:
        return message
    return replace(message, fact=replace(fact, lines=(replace(fact.lines[0], gap=True),)))


def test_a_change_of_the_input_is_a_move_and_comes_from_the_other() -> None:
    run = broadcast(SyntheticEncoder(1, lost=set(range(7, 12))), SyntheticEncoder(2))
    entries = run.of("two")
    marks = [shown(entry, before) for before, entry in zip([None, *entries], entries, strict=False)]
    moved = [mark for mark in marks if mark.moved]
    assert [(mark.reason, mark.active_input, mark.runs[0].input_id) for mark in moved] == [(Reason.FAILOVER, 2, 2)]
    assert moved[0].deadline is not None
    assert moved[0].decided_at >= moved[0].deadline
    assert moved[0].available_at < moved[0].decided_at
    view = shown_view(moved[0])
    assert view["available"] == view["decided"], "nobody sees what is not decided yet"


def test_a_gap_has_nothing_in_it() -> None:
    run = broadcast(SyntheticEncoder(1, lost={8}), SyntheticEncoder(2, lost={8}))
    gap = next(shown(one, None) for one in run.of("two") if one.is_gap)
    assert (gap.runs, gap.lost, gap.reason) == ((), ("v1",), Reason.GAP)


def test_before_anything_is_settled_there_is_nothing_to_draw() -> None:
    state = ChannelState("c" * 32)
    assert list(delivered(state.input(1), state)) == []


def test_an_input_that_has_ended_says_with_which_piece_and_that_stays_when_it_goes_on() -> None:
    run = broadcast()
    marks = Marks(run.fold, cast(Channel, SimpleNamespace(id="one", guid="0" * 32)), [])
    second = SyntheticEncoder(2, ended_after=11)
    run.messages += SyntheticEncoder(1).messages(range(30)) + second.messages([*range(12), *range(20, 30)])
    run.run()
    marks.take_unsent()
    found = marks.all()["marks"]
    (ended,) = (mark for mark in found if mark["last"])
    behind = [mark["start"] for mark in found if mark["input"] == 2 and mark["start"] > ended["start"]]
    assert ended["input"] == 2
    assert min(behind) - ended["start"] == pytest.approx(9 * 2)


def test_a_slot_says_how_far_before_its_deadline_it_was_complete() -> None:
    run = broadcast(SyntheticEncoder(1, late={10: 0.5}), SyntheticEncoder(2))
    in_time, late = (shown_view(shown(run.of("two")[number], None)) for number in (9, 10))
    assert in_time["headroom"] == pytest.approx(in_time["usual"], abs=0.01)
    assert late["headroom"] == pytest.approx(late["usual"] - 0.5, abs=0.01)
    assert shown_view(shown(run.of("two")[0], None))["headroom"] is None

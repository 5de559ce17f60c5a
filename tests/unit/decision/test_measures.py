"""What only people look at and the log decides all the same: what an input left out, and what it marked as filler."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.synthetic import Broadcast, Message, SyntheticEncoder, configured
from understudy_domain.facts import PlaylistArrived
from understudy_domain.headroom import headroom, usual_headroom
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds, to_seconds
from understudy_domain.timeline import InputState

SEGMENTS = 20


def with_filler(messages: list[Message], numbers: set[int], *, ahead: bool) -> list[Message]:
    """Those segments marked as filler, in playlists that come a moment before the segments, or as usual."""
    marked = []
    for message in messages:
        fact, instant = message.fact, message.instant
        if isinstance(fact, PlaylistArrived):
            lines = tuple(replace(line, gap=line.source_sequence in numbers) for line in fact.lines)
            fact, instant = replace(fact, lines=lines), instant - from_seconds(0.02 if ahead else 0.0)
        marked.append(replace(message, fact=fact, instant=instant))
    return marked


def input_after(messages: list[Message]) -> InputState:
    other = SyntheticEncoder(2).messages(range(SEGMENTS))
    run = Broadcast([configured("two", seconds=2), *messages, *other]).run(until_seconds=60)
    return run.fold.state.input(1)


@pytest.mark.parametrize("ahead", [True, False], ids=["listed before it comes", "listed after it came"])
def test_each_segment_that_is_marked_as_filler_is_counted_once(ahead: bool) -> None:
    messages = with_filler(SyntheticEncoder(1).messages(range(SEGMENTS)), {8, 9, 13}, ahead=ahead)
    assert input_after(messages).fillers == 3


def test_what_an_input_leaves_out_is_counted_when_it_goes_on_however_its_encoder_was_restarted() -> None:
    before, after = range(8), range(11, SEGMENTS)
    locked = SyntheticEncoder(1)
    assert input_after(locked.messages(range(SEGMENTS))).steadiness.missing == 0
    assert to_seconds(input_after([*locked.messages(before), *locked.messages(after)]).steadiness.missing) == 6
    other = SyntheticEncoder(1, media_offset_seconds=500, first_number=-11)
    missing = to_seconds(input_after([*locked.messages(before), *other.messages(after)]).steadiness.missing)
    assert missing == pytest.approx(6, abs=0.5)


def test_a_late_segment_leaves_less_headroom_and_a_failover_none() -> None:
    late = SyntheticEncoder(1, late={10: 0.5}).messages(range(15))
    other = SyntheticEncoder(2).messages(range(SEGMENTS))
    shown = Broadcast([configured("two", seconds=2), *late, *other]).run(until_seconds=60).of("two")
    left = [headroom(entry) for entry in shown]
    assert left[0] is None, "the first slot has no deadline"
    assert [to_seconds(one) for one in left[1:10] if one is not None] == pytest.approx([0.75] * 9, abs=0.01)
    late_slot, moved = left[10], next(entry for entry in shown if entry.reason is Reason.FAILOVER)
    assert late_slot is not None
    assert to_seconds(late_slot) == pytest.approx(0.25, abs=0.01)
    assert headroom(moved) == 0
    usual = usual_headroom(moved)
    assert usual is not None
    assert to_seconds(usual) == pytest.approx(0.75, abs=0.01)

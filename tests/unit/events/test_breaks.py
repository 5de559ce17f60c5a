"""What viewers notice beside lost slots is told: a jump, another clock; and what goes on is told once."""

from __future__ import annotations

import logging
from dataclasses import replace
from itertools import pairwise

import pytest

from support.program_entries import make_entry
from support.synthetic import Broadcast, Message, SyntheticEncoder, configured
from understudy_controller.loop.endpoint_counts import EndpointCounts
from understudy_controller.loop.telling import level_of
from understudy_domain.entry import ProgramEntry
from understudy_domain.entry_events import entry_events
from understudy_domain.event import Event, EventKind
from understudy_domain.explain import sentences_of
from understudy_domain.facts import EndpointConfigured
from understudy_domain.jump import jump_between
from understudy_domain.policy import PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.status import Seam
from understudy_domain.ticks import from_seconds
from understudy_domain.words import clock

SEGMENTS = 40
LABELS = {"channel": "news", "origin_endpoint": "news-hls"}


def shown(messages: list[Message], *, seconds: float = 2, until_seconds: float | None = None) -> list[ProgramEntry]:
    return Broadcast([configured("e", seconds=seconds), *messages]).run(until_seconds=until_seconds).of("e")


def told(entries: list[ProgramEntry]) -> list[Event]:
    """All but the programme's start."""
    return [event for before, one in pairwise(entries) for event in entry_events(one, before=before)]


def both_stop(*, segments: int) -> list[ProgramEntry]:
    lost = set(range(15, 15 + segments))
    return shown(
        [
            *SyntheticEncoder(1, lost=lost).messages(range(SEGMENTS)),
            *SyntheticEncoder(2, lost=lost).messages(range(SEGMENTS)),
        ]
    )


def test_what_both_inputs_lost_and_is_passed_over_is_told_as_a_warning_with_its_length() -> None:
    (event,) = told(both_stop(segments=6))
    assert (event.kind, event.reason, event.slot) == (EventKind.DISCONTINUITY, Reason.KEEP, 21)
    assert (event.seam, event.jump) == (Seam.DISCONTINUITY, from_seconds(12))
    assert event.words == (
        "Slot 21 (media sequence 15) came from input 1: it was active and completed the slot; "
        "there is a discontinuity, at which the programme skips 12 s."
    )
    assert level_of(event) == logging.WARNING


def test_seconds_that_are_passed_over_are_counted_and_those_of_gaps_and_of_pauses_after_an_end_are_not() -> None:
    counts = EndpointCounts()
    entries = both_stop(segments=6)
    for before, one in zip([None, *entries], entries, strict=False):
        counts.take(one, before)
    assert counts.skipped == from_seconds(12)
    ended = replace(make_entry(3), ended=True)
    counts.take(replace(make_entry(9), discontinuity=True), ended)
    assert counts.skipped == from_seconds(12)


def test_an_encoder_that_is_restarted_with_another_clock_is_told_and_is_no_warning() -> None:
    one = SyntheticEncoder(1).messages(range(15))
    again = SyntheticEncoder(1, content="other life", media_offset_seconds=500).messages(range(15, SEGMENTS))
    (event,) = told(shown(one + again))
    assert (event.kind, event.seam, event.jump) == (EventKind.DISCONTINUITY, Seam.DISCONTINUITY, 0)
    assert event.words.endswith("the programme goes on after a discontinuity.")
    assert level_of(event) == logging.INFO


def test_a_hole_that_carries_no_discontinuity_is_told_too_and_rounding_is_not() -> None:
    before, after = make_entry(4), make_entry(5)
    late = replace(after, start=after.start + from_seconds(0.5))
    (event,) = entry_events(late, before=before)
    assert (event.kind, event.seam, event.jump) == (EventKind.DISCONTINUITY, Seam.SEAMLESS, from_seconds(0.5))
    assert event.words.endswith("the programme skips 0.5 s, without a discontinuity.")
    assert entry_events(replace(after, start=after.start + 3602), before=before) == []
    assert jump_between(before, replace(after, start=after.start + 3603)) == 3603


def test_a_change_of_input_tells_of_its_own_discontinuity() -> None:
    changed = replace(make_entry(5), reason=Reason.FAILOVER, active_input=2, discontinuity=True)
    assert [event.kind for event in entry_events(changed, before=make_entry(4))] == [EventKind.FAILOVER]


def test_holes_in_a_run_of_slots_that_are_lost_in_part_are_told_once_unless_a_slot_is_passed_over() -> None:
    first, second = (replace(make_entry(number), reason=Reason.PARTIAL, discontinuity=True) for number in (4, 5))
    hole = replace(second, start=second.start + from_seconds(2))
    assert [event.kind for event in entry_events(first, before=make_entry(3))] == [EventKind.PARTIAL]
    assert entry_events(hole, before=first) == []
    far = replace(second, start=second.start + from_seconds(6))
    assert [event.kind for event in entry_events(far, before=first)] == [EventKind.DISCONTINUITY]


def pinned_to_dead() -> Broadcast:
    """Input 1 dies at segment 10; the endpoint stays with it."""
    command = configured("e", seconds=2)
    assert isinstance(command.fact, EndpointConfigured)
    command = replace(command, fact=replace(command.fact, policy=PolicyKind.PINNED, policy_input=1))
    gone = set(range(10, SEGMENTS))
    return Broadcast(
        [
            command,
            *SyntheticEncoder(1, lost=gone).messages(range(SEGMENTS)),
            *SyntheticEncoder(2).messages(range(SEGMENTS)),
        ]
    )


def test_an_endpoint_that_is_pinned_to_a_dead_input_is_told_of_once() -> None:
    run = pinned_to_dead()
    beside: list[Event] = []
    run.run(interrupt=lambda run, _: beside.extend(run.fold.take_events()))
    entries = run.of("e")
    assert {one.reason for one in entries[15:]} == {Reason.COMBINE}
    assert [event.kind for event in told(entries)] == [EventKind.COMBINE]
    holds = [event for event in beside if event.kind in (EventKind.HOLD, EventKind.HOLD_ENDED)]
    assert holds == []


def test_what_comes_from_the_input_that_is_not_followed_alone_is_said_so() -> None:
    last = pinned_to_dead().run().of("e")[-1]
    assert sentences_of(last)[0] == (
        f"Slot {last.slot} came from input 2, all of it: input 1 had not delivered all of v1 by its deadline "
        f"{_deadline(last)}; input 1 stays active."
    )


def _deadline(entry: ProgramEntry) -> str:
    assert entry.evidence.deadline is not None
    return (
        clock(entry.evidence.deadline)
        + " (first due "
        + clock(entry.evidence.deadline + from_seconds(0.25))
        + (" + time delay 0 s - margin 0.25 s)")
    )


@pytest.mark.parametrize("reason", [Reason.REPAIR, Reason.COMBINE])
def test_a_run_of_borrowing_is_told_when_it_begins_and_again_after_a_pause(reason: Reason) -> None:
    run = [replace(make_entry(number), reason=reason) for number in (4, 5)]
    run += [make_entry(6), replace(make_entry(7), reason=reason)]
    assert [event.media_sequence for event in told([make_entry(3), *run])] == [4, 7]


def last_slots(*, lost: set[int], ended_after: int | None = 19) -> list[ProgramEntry]:
    """Two encoders that end with segment 19: a third of the last slot of 6 s."""
    messages: list[Message] = []
    for input_id in (1, 2):
        messages += SyntheticEncoder(input_id, lost=lost, ended_after=ended_after).messages(range(20))
    return shown(messages, seconds=6, until_seconds=200)


def test_the_short_last_slot_of_inputs_that_end_is_no_loss() -> None:
    entries = last_slots(lost=set())
    assert [event.kind for event in told(entries)] == [EventKind.PROGRAMME_ENDED]
    last = entries[-2]
    assert (last.reason, last.evidence.nothing_later, last.end - last.start) == (Reason.PARTIAL, True, from_seconds(4))
    assert sentences_of(last)[0] == (
        f"Slot {last.slot} is the last, 4 s long: the inputs have ended, and this is all there is, from input 1."
    )


def test_what_is_lost_in_the_last_slot_of_inputs_that_end_is_told() -> None:
    assert [event.kind for event in told(last_slots(lost={18}))] == [EventKind.PARTIAL, EventKind.PROGRAMME_ENDED]


def test_what_is_lost_before_inputs_end_is_told() -> None:
    kinds = [event.kind for event in told(last_slots(lost={16}))]
    assert EventKind.PARTIAL in kinds


def test_a_short_last_slot_of_inputs_that_crash_is_told() -> None:
    """Nothing is published of it until one comes back: then it is a loss."""
    messages: list[Message] = []
    for input_id in (1, 2):
        messages += SyntheticEncoder(input_id, lost=set(range(20, 30))).messages(range(SEGMENTS))
    assert EventKind.PARTIAL in [event.kind for event in told(shown(messages, seconds=6))]


def test_gaps_say_which_part_they_are() -> None:
    """Both lose the end of one slot and all of the next."""
    messages: list[Message] = []
    for input_id in (1, 2):
        messages += SyntheticEncoder(input_id, lost=set(range(16, 21))).messages(range(SEGMENTS))
    words = [event.words for event in told(shown(messages, seconds=6)) if event.kind is EventKind.GAP]
    assert words == [
        "What is left before slot 6, 4 s, is a gap that keeps its place: neither input delivered anything of it.",
        "Slot 6 (media sequence 7) is a gap that keeps its place: neither input delivered anything of it.",
    ]

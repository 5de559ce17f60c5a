"""A new segment duration in mid-life, and inputs of different ones."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.fold import ChannelFold
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND

SECONDS = 150
NAMES = ["two", "six", "twelve", "delayed"]
ENDPOINTS = [
    configured("two", seconds=2),
    configured("six", seconds=6),
    configured("twelve", seconds=12),
    configured("delayed", seconds=4, delay_seconds=10),
]


def life(input_id: int, length: float, begin: int, end: int, **more: object) -> list[Message]:
    """What an encoder of this segment length sends of these seconds of the programme."""
    one = SyntheticEncoder(input_id, segment_seconds=length, content=f"{length}", **more)  # type: ignore[arg-type]
    return one.messages(range(-(-begin // int(length)), int(end / length)))


def broadcast(*lives: list[Message], extra: list[Message] | None = None) -> Broadcast:
    """Run to the end."""
    messages = [*ENDPOINTS, *(extra or []), *(message for one in lives for message in one)]
    return Broadcast(messages).run(until_seconds=SECONDS + 60)


def times(entries: list[ProgramEntry]) -> list[tuple[float, float]]:
    """What is shown, from when to when, seconds of the content itself."""
    found = []
    for entry in entries:
        for piece in entry.renditions[0].pieces:
            start = ((piece.timestamp - EPOCH) % 2**33) / TICKS_PER_SECOND
            found.append((start, start + piece.duration / TICKS_PER_SECOND))
    return found


def jumps(entries: list[ProgramEntry]) -> list[float]:
    """Where what is shown does not go on: by how much, seconds."""
    shown = times(entries)
    return [round(after[0] - before[1], 3) for before, after in pairwise(shown) if after[0] != before[1]]


def assert_playable(entries: list[ProgramEntry]) -> None:
    """No segment is longer than the target duration, which never falls; jumps carry a discontinuity."""
    targets = [entry.target_duration_seconds for entry in entries]
    assert targets == sorted(targets)
    for before, entry in pairwise(entries):
        duration = sum(piece.duration for piece in entry.renditions[0].pieces)
        assert (duration + TICKS_PER_SECOND // 2) // TICKS_PER_SECOND <= entry.target_duration_seconds
        assert abs(entry.start - before.end) <= 2 or entry.discontinuity
        assert entry.media_sequence == before.media_sequence + 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("before", "after"), [(2.0, 6.0), (6.0, 2.0), (2.0, 4.0), (4.0, 1.0)])
def test_encoders_that_go_on_with_another_segment_length_lose_nothing(name: str, before: float, after: float) -> None:
    run = broadcast(*(life(one, before, 0, 60) for one in (1, 2)), *(life(one, after, 60, SECONDS) for one in (1, 2)))
    entries = run.of(name)
    assert_playable(entries)
    assert jumps(entries) == []
    assert times(entries)[-1][1] >= SECONDS - 14
    assert not any(entry.discontinuity or entry.is_gap for entry in entries)
    assert run.fold.state.grid is not None
    assert run.fold.state.grid.segment_duration == after * TICKS_PER_SECOND
    configured_seconds = {"two": 2, "six": 6, "twelve": 12, "delayed": 4}[name]
    lengths = {(entry.end - entry.start) // TICKS_PER_SECOND for entry in entries[-4:-1]}
    assert lengths == {max(configured_seconds, int(after))} or configured_seconds % after


@pytest.mark.parametrize("name", NAMES)
def test_a_lost_piece_of_a_shorter_length_is_seen_at_once(name: str) -> None:
    """Two seconds of six are less than half of the old S_in, and all of a piece."""
    run = broadcast(
        *(life(one, 6.0, 0, 60) for one in (1, 2)),
        life(1, 2.0, 60, SECONDS, lost={32, 50}),
        life(2, 2.0, 60, SECONDS),
    )
    entries = run.of(name)
    assert jumps(entries) == []
    assert not any(entry.discontinuity for entry in entries)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("one", "two"), [(2.0, 6.0), (6.0, 2.0)])
@pytest.mark.parametrize("phase", [0.0, 0.7])
def test_inputs_of_different_lengths_change_over_with_one_honest_jump(
    name: str, one: float, two: float, phase: float
) -> None:
    run = broadcast(life(1, one, 0, 72), life(2, two, 0 if one < two else 14, SECONDS, phase_seconds=phase))
    entries = run.of(name)
    assert_playable(entries)
    assert [entry.active_input for entry in entries if entry.reason is Reason.FAILOVER] == [2]
    assert all(abs(jump) <= 3.0 for jump in jumps(entries)), jumps(entries)
    assert len(jumps(entries)) <= 1
    assert sum(entry.discontinuity for entry in entries) <= 1
    assert times(entries)[-1][1] >= SECONDS - 14
    assert not any(entry.is_gap for entry in entries)


@pytest.mark.parametrize("name", NAMES)
def test_two_living_inputs_of_different_lengths_keep_the_first_ones_grid(name: str) -> None:
    run = broadcast(life(1, 2.0, 0, SECONDS), life(2, 6.0, 0, SECONDS))
    entries = run.of(name)
    assert {entry.active_input for entry in entries} == {1}
    assert {entry.reason for entry in entries} == {Reason.START, Reason.KEEP}
    assert run.fold.state.grid is not None
    assert run.fold.state.grid.segment_duration == 2 * TICKS_PER_SECOND


@pytest.mark.parametrize("cut", range(40, 160, 17))
def test_a_successor_goes_on_through_a_change_of_the_segment_length(cut: int) -> None:
    lives = [life(one, length, *span) for one in (1, 2) for length, span in ((6.0, (0, 60)), (2.0, (60, SECONDS)))]
    whole = broadcast(*lives)

    def restart(run: Broadcast, sequence: int) -> None:
        if sequence == cut:
            standing = {guid: entries[-1] for guid, entries in run.entries.items()}
            state = codec.decode_as(ChannelState, codec.encode(run.fold.state))
            run.fold = ChannelFold(state, standing=standing)
            assert run.fold.resume() == []

    messages = [*ENDPOINTS, *(message for one in lives for message in one)]
    again = Broadcast(messages).run(until_seconds=SECONDS + 60, interrupt=restart)
    assert again.entries == whole.entries


def test_an_entry_of_an_older_release_counts_on_the_only_grid_there_was() -> None:
    run = broadcast(life(1, 2.0, 0, 60), life(2, 2.0, 0, 60))
    last = run.of("two")[-1]
    plain = json.loads(codec.encode(last))
    assert plain.pop("anchor") == run.fold.state.grid.anchor  # type: ignore[union-attr]
    older = codec.decode_as(ProgramEntry, json.dumps(plain).encode())
    assert older == replace(last, anchor=None)
    endpoint = run.fold.state.endpoint(last.origin_endpoint)
    assert endpoint is not None
    assert run.fold.state.grid is not None
    endpoint.passed = None
    before = endpoint.next_slot(run.fold.state.grid)
    run.fold.adopt(older)
    assert endpoint.next_slot(run.fold.state.grid) == before

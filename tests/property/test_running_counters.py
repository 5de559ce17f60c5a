"""Running counters go on over the whole programme of a rendition, whoever delivers it and whoever decides."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.synthetic import CHANNEL, COUNTER_MODULUS, Broadcast, Message, SyntheticEncoder, configured
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.counters import TRACKS_MAX, Shifts, continue_counters
from understudy_domain.entry import EntryPiece, NextCounter, ProgramEntry
from understudy_domain.facts import SegmentArrived
from understudy_domain.fold import ChannelFold
from understudy_domain.media import Probe, RunningCounter

SEGMENTS = 40
PLAYLISTS = ("channel_1.m3u8", "channel_2.m3u8")
Stored = tuple[tuple[RunningCounter, ...], Shifts]

counts = st.integers(0, COUNTER_MODULUS - 1)
counters = st.dictionaries(st.sampled_from([0, 17, 256, 257, 4096]), st.tuples(counts, counts), max_size=5)
slots = st.lists(st.lists(counters, max_size=3), max_size=12)


@dataclass(frozen=True)
class Counted:
    """A piece, as far as counters go."""

    counters: tuple[RunningCounter, ...]
    counter_modulus: int | None = COUNTER_MODULUS


def pieces_of(slot: Iterable[Mapping[int, tuple[int, int]]]) -> list[Counted]:
    return [Counted(tuple(RunningCounter(track_id, *ends) for track_id, ends in piece.items())) for piece in slot]


def published_counters(programme: Iterable[Stored]) -> dict[int, int]:
    """Where each track's counter stands after these pieces as published; fails at a jump."""
    standing: dict[int, int] = {}
    for stored, shifts in programme:
        amounts = {shift.track_id: shift.amount for shift in shifts or ()}
        assert all(0 < amount < COUNTER_MODULUS for amount in amounts.values())
        for counter in stored:
            amount = amounts.pop(counter.track_id, 0)
            first = (counter.first + amount) % COUNTER_MODULUS
            assert first == standing.get(counter.track_id, first), f"track {counter.track_id} jumps"
            standing[counter.track_id] = (counter.next + amount) % COUNTER_MODULUS
        assert not amounts, "a track that is not in the piece is shifted"
    return standing


@given(slots)
def test_counters_go_on_across_every_seam_and_are_carried_on_through_gaps(
    programme: list[list[dict[int, tuple[int, int]]]],
) -> None:
    published: list[Stored] = []
    standing: tuple[NextCounter, ...] | None = None
    for slot in map(pieces_of, programme):
        shifts, standing = continue_counters(slot, standing)
        published += [(piece.counters, shift) for piece, shift in zip(slot, shifts, strict=True)]
        assert published_counters(published) == {one.track_id: one.next for one in standing or ()}


@given(slots)
def test_how_pieces_are_cut_into_slots_changes_no_shift(programme: list[list[dict[int, tuple[int, int]]]]) -> None:
    pieces = [piece for slot in programme for piece in pieces_of(slot)]
    whole, end = continue_counters(pieces, None)
    found: list[Shifts] = []
    standing: tuple[NextCounter, ...] | None = None
    for slot in map(pieces_of, programme):
        shifts, standing = continue_counters(slot, standing)
        found += shifts
    assert (found, standing) == (whole, end)


def test_pieces_that_follow_each_other_are_published_as_they_are_stored() -> None:
    pieces = [Counted((RunningCounter(0, at, at + 1), RunningCounter(256, 5, 5))) for at in range(5)]
    shifts, standing = continue_counters(pieces, None)
    assert shifts == [None] * 5
    assert standing == (NextCounter(0, 5), NextCounter(256, 5))


def test_a_piece_that_nothing_is_known_of_stays_and_what_follows_it_begins_anew() -> None:
    known, unknown = Counted((RunningCounter(0, 3, 4),)), Probe("mpegts", (), digest="")
    assert continue_counters([known, known, unknown, known], None) == (
        [None, known_shift(1), None, None],
        (next_of(4),),
    )
    assert continue_counters([unknown], (next_of(9),)) == ([None], None)


def known_shift(amount: int) -> Shifts:
    return continue_counters([Counted((RunningCounter(0, 0, 0),))], (next_of(amount),))[0][0]


def next_of(value: int) -> NextCounter:
    return NextCounter(0, value)


def test_tracks_that_are_not_heard_of_any_more_do_not_fill_entries() -> None:
    pieces = [Counted((RunningCounter(0, 1, 2), RunningCounter(100 + at, 0, 1))) for at in range(3 * TRACKS_MAX)]
    shifts, standing = continue_counters(pieces, None)
    assert standing is not None
    assert len(standing) == TRACKS_MAX
    assert standing[-1].track_id == 100 + 3 * TRACKS_MAX - 1
    published_counters((piece.counters, shift) for piece, shift in zip(pieces, shifts, strict=True))


def log(seed: int) -> list[Message]:
    """Two encoders whose counters have nothing to do with each other; both lose segments, sometimes the same."""
    rng = random.Random(seed)
    encoders = [
        SyntheticEncoder(
            input_id,
            lag_seconds=0.3 * input_id,
            playlists=PLAYLISTS,
            lost=set(rng.sample(range(SEGMENTS), rng.randint(0, SEGMENTS // 3))),
            lost_of_playlist={PLAYLISTS[1]: set(rng.sample(range(SEGMENTS), rng.randint(0, 4)))},
            media_offset_seconds=rng.choice([0.0, 100.0]),
            counter_seed=rng.getrandbits(32),
        )
        for input_id in (1, 2)
    ]
    messages = [
        configured("2-0", seconds=2),
        configured("6-0", seconds=6),
        configured("4-10", seconds=4, delay_seconds=10),
    ]
    for encoder in encoders:
        messages += encoder.messages(range(SEGMENTS))
    return sorted(messages, key=lambda message: message.instant)


def stored_counters(messages: Sequence[Message]) -> dict[str, tuple[RunningCounter, ...]]:
    """By object key."""
    facts = [message.fact for message in messages]
    return {fact.object_key: fact.probe.counters for fact in facts if isinstance(fact, SegmentArrived)}


def assert_counters_go_on(entries: Sequence[ProgramEntry], stored: Mapping[str, tuple[RunningCounter, ...]]) -> None:
    """In every rendition; the last entry says where they stand."""
    for last in entries[-1].renditions:
        pieces = shown_pieces(entries, last.rendition)
        standing = published_counters((stored[piece.object_key], piece.shifts) for piece in pieces)
        assert {one.track_id: one.next for one in last.counters or ()} == standing


def shown_pieces(entries: Iterable[ProgramEntry], rendition: str) -> list[EntryPiece]:
    return [
        piece for entry in entries for one in entry.renditions if one.rendition == rendition for piece in one.pieces
    ]


@pytest.mark.parametrize("seed", range(25))
def test_the_counters_of_every_rendition_go_on_over_whole_programmes_of_two_failing_inputs(seed: int) -> None:
    messages = log(seed)
    stored = stored_counters(messages)
    run = Broadcast(messages).run(until_seconds=SEGMENTS * 2 + 40)
    assert run.entries
    for entries in run.entries.values():
        assert_counters_go_on(entries, stored)


def test_only_what_comes_from_the_other_input_is_shifted_while_nothing_is_lost() -> None:
    encoders = [SyntheticEncoder(1, counter_seed=1), SyntheticEncoder(2, lag_seconds=0.4, counter_seed=2)]
    messages = [configured("6-0", seconds=6), *encoders[0].messages(range(12)), *encoders[1].messages(range(30))]
    run = Broadcast(messages).run(until_seconds=80)
    pieces = shown_pieces(run.of("6-0"), "v1")
    assert {piece.input_id for piece in pieces} == {1, 2}
    assert {piece.input_id for piece in pieces if piece.shifts} == {2}
    assert_counters_go_on(run.of("6-0"), stored_counters(messages))


@pytest.mark.parametrize("seed", range(0, 25, 5))
def test_a_successor_that_adopts_any_entry_goes_on_with_the_same_counters(seed: int) -> None:
    messages = log(seed)
    stored = stored_counters(messages)
    whole = Broadcast(messages).run()
    rng = random.Random(seed)
    for guid, entries in whole.entries.items():
        at = rng.randrange(len(entries) // 2)
        standing = codec.decode_as(ProgramEntry, codec.encode(entries[at]))
        successor = Broadcast(list(messages), fold=ChannelFold(ChannelState(CHANNEL), standing={guid: standing})).run()
        assert successor.entries[guid]
        assert_counters_go_on([*entries[: at + 1], *successor.entries[guid]], stored)


def test_records_from_before_there_were_counters_are_read() -> None:
    run = Broadcast([configured("2-0", seconds=2), *SyntheticEncoder(1).messages(range(4))]).run()
    entry = run.of("2-0")[-1]
    payload = codec.encode(entry)
    assert b"counters" not in payload
    assert b"shifts" not in payload
    assert codec.decode(payload) == entry
    fact = next(message.fact for message in run.messages if isinstance(message.fact, SegmentArrived))
    old = codec.encode(fact).replace(b',"counters":[]', b"")
    assert b"counter" not in old
    assert codec.decode(old) == replace(fact, probe=replace(fact.probe, counters=(), counter_modulus=None))
    assert codec.decode_as(ChannelState, codec.encode(run.fold.state).replace(b',"counters":[]', b"")) == run.fold.state

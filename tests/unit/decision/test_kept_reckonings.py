"""What is reckoned of pieces and kept until they change is what one finds who reckons it anew, after every message."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from support.synthetic import CHANNEL, Message, SyntheticEncoder, configured
from support.synthetic_pieces import input_state, piece
from understudy_domain import codec, piece_length
from understudy_domain.channel_state import ChannelState
from understudy_domain.facts import PlaylistArrived
from understudy_domain.fold import ChannelFold
from understudy_domain.grid import Grid
from understudy_domain.lineup import Rendition
from understudy_domain.session import RECENT_PIECES, RecentPiece, Session
from understudy_domain.ticks import from_seconds
from understudy_domain.timeline import InputState

PLAYLISTS = ("v0.m3u8", "v1.m3u8", "v2.m3u8")
SEGMENTS = 45
SEEDS = range(12)


def lives(rng: random.Random, input_id: int) -> list[Message]:
    """Restarts, pieces of other lengths, lost, late, marked as filler and delivered twice."""
    found: list[Message] = []
    for first in (0, 20):
        encoder = SyntheticEncoder(
            input_id,
            playlists=PLAYLISTS,
            lag_seconds=rng.choice([0.3, 0.9]),
            content=rng.choice(["same", f"{input_id} {first}"]),
            media_offset_seconds=rng.choice([0.0, rng.uniform(0.0, 5_000.0)]),
            lost=set(rng.sample(range(SEGMENTS), 4)),
            lost_of_playlist={"v2.m3u8": set(range(30, 40))} if rng.random() < 0.3 else {},
            late={number: rng.uniform(0.1, 6.0) for number in rng.sample(range(SEGMENTS), 6)},
            short={number: rng.choice([0.4, 1.0, 3.0, 7.0]) for number in rng.sample(range(SEGMENTS), 5)},
        )
        found += encoder.messages(range(first, SEGMENTS if first else 22))
    marked = [marked_as_filler(one) if rng.random() < 0.05 else one for one in found]
    again = [replace(one, instant=one.instant + from_seconds(1.0)) for one in marked if rng.random() < 0.05]
    return marked + again


def marked_as_filler(message: Message) -> Message:
    if not isinstance(message.fact, PlaylistArrived):
        return message
    lines = tuple(replace(line, gap=True) for line in message.fact.lines)
    return replace(message, fact=replace(message.fact, lines=lines))


def assert_kept_as_reckoned_anew(one: InputState, lineup: Sequence[Rendition], grid: Grid) -> None:
    carried = {one.carries.get(rendition.rendition) for rendition in lineup}
    assert one.carries_just(lineup) == (not one.firsts or carried == one.firsts.keys())
    for rendition in one.carries:
        pieces = one.rendition_pieces(rendition)
        assert one.reach_of(rendition) == max((piece.end for piece in pieces), default=0)
        assert one.half_of(rendition, grid) == piece_length.half_of(pieces, grid)
    assert one.newest_end == max((pieces[-1].end for pieces in one.pieces.values()), default=0)
    for session in one.sessions:
        for playlist, recent in session.recent.items():
            assert session.ends_at(playlist) == max(piece.end for piece in recent)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_kept_is_what_the_pieces_say(seed: int) -> None:
    rng = random.Random(seed)
    messages = [*(configured(f"{seconds}", seconds=seconds) for seconds in (2, 6)), *lives(rng, 1), *lives(rng, 2)]
    fold = ChannelFold(ChannelState(CHANNEL))
    for sequence, message in enumerate(sorted(messages, key=lambda one: one.instant), start=1):
        fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
        if fold.state.grid is not None:
            for one in fold.state.inputs:
                assert_kept_as_reckoned_anew(one, fold.state.lineup, fold.state.grid)


def test_nothing_that_is_kept_is_in_a_record() -> None:
    fold = ChannelFold(ChannelState(CHANNEL))
    messages = [configured("2", seconds=2), *SyntheticEncoder(1, playlists=PLAYLISTS).messages(range(9))]
    for sequence, message in enumerate(messages, start=1):
        fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
    read = codec.decode_as(ChannelState, codec.encode(fold.state))
    assert read == fold.state
    assert fold.state.grid is not None
    assert_kept_as_reckoned_anew(read.inputs[0], read.lineup, fold.state.grid)


def test_a_piece_that_outlasts_all_later_ones_and_is_forgotten_leaves_nothing_behind() -> None:
    one = input_state({"v1": [piece(0, seconds=60), *map(piece, range(1, 12))]})
    assert one.reach_of("v1") == from_seconds(60)
    one.forget_before(from_seconds(60))
    assert one.reach_of("v1") == from_seconds(24)


def test_a_session_forgets_where_a_piece_ended_with_the_piece() -> None:
    session = Session(id=1, modulus=None, newest_end=0, first_arrived_at=0, first_end=0)
    for number in range(RECENT_PIECES + 1):
        recent = RecentPiece(number, 1_000 if number == 0 else number + 1, 1, f"{number}", f"{number}.ts", 0)
        session.remember("c.m3u8", recent)
        assert session.ends_at("c.m3u8") == (1_000 if number < RECENT_PIECES else RECENT_PIECES + 1)

"""Counters are shifted as the entry says: the programme is continuous, keeps its length, and nothing else changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from support.transport_stream import (
    NULL_PID,
    PACKET_BYTES,
    PIDS,
    continuity_errors,
    make_transport_stream,
    running_counters,
)
from understudy_domain.counters import Shifts, continue_counters
from understudy_domain.entry import CounterShift
from understudy_runtime.join import join_pieces

ALL_BY_ONE = tuple(CounterShift(pid, 1) for pid in PIDS)


def shifts_of(pieces: list[bytes]) -> list[Shifts]:
    """As the entry of these pieces would say."""
    return continue_counters(map(running_counters, pieces), None)[0]


def without_counters(stream: bytes | memoryview) -> bytes:
    found = bytearray(stream)
    for at in range(3, len(found), PACKET_BYTES):
        found[at] &= 0xF0
    return bytes(found)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 1000)), min_size=1, max_size=5))
def test_counters_go_on_across_seams_and_nothing_else_changes(shapes: list[tuple[int, int]]) -> None:
    pieces = [make_transport_stream(packets, seed=seed) for packets, seed in shapes]
    joined = join_pieces(pieces, shifts_of(pieces))
    assert not continuity_errors(bytes(joined))
    assert without_counters(joined) == without_counters(b"".join(pieces))


def test_counters_go_on_from_one_segment_to_the_next_however_pieces_are_cut_into_them() -> None:
    pieces = [make_transport_stream(50, seed=seed) for seed in range(6)]
    shifts = shifts_of(pieces)
    segments = [join_pieces(pieces[at : at + 2], shifts[at : at + 2]) for at in range(0, 6, 2)]
    assert not continuity_errors(b"".join(segments))
    assert b"".join(segments) == b"".join(
        join_pieces([one], [shift]) for one, shift in zip(pieces, shifts, strict=True)
    )


def test_a_single_piece_without_shifts_is_itself() -> None:
    piece = make_transport_stream(10)
    assert join_pieces([piece], [None]) is piece


def test_pieces_without_shifts_stay_as_they_are() -> None:
    pieces = [make_transport_stream(10, seed=seed) for seed in range(2)]
    assert join_pieces(pieces, [None, None]) == b"".join(pieces)


def test_pieces_that_follow_each_other_need_no_shifts() -> None:
    stream = make_transport_stream(100)
    halves = [stream[: 50 * PACKET_BYTES], stream[50 * PACKET_BYTES :]]
    assert shifts_of(halves) == [None, None]


def test_only_the_tracks_that_are_named_are_shifted_and_what_is_stored_stays() -> None:
    stream = make_transport_stream(100, first_counter=15)
    shifted = bytes(join_pieces([stream], [(CounterShift(PIDS[1], 3), CounterShift(NULL_PID, 3))]))
    assert stream == make_transport_stream(100, first_counter=15)
    for at in range(0, len(stream), PACKET_BYTES):
        pid = (stream[at + 1] & 0x1F) << 8 | stream[at + 2]
        raised = 3 if pid == PIDS[1] else 0
        assert shifted[at + 3] == stream[at + 3] & 0xF0 | (stream[at + 3] + raised) & 0x0F


def test_what_is_no_transport_stream_is_left_alone() -> None:
    assert join_pieces([b"abc", b"defg"], [ALL_BY_ONE, ALL_BY_ONE]) == b"abcdefg"
    assert join_pieces([b""], [ALL_BY_ONE]) == b""
    silence = [b"\0" * PACKET_BYTES, b"\1" * PACKET_BYTES]
    assert join_pieces(silence, [ALL_BY_ONE, ALL_BY_ONE]) == b"".join(silence)

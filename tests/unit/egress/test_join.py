"""Joined segments are continuous inside, keep their length, and nothing but counters changes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from support.transport_stream import PACKET_BYTES, continuity_errors, make_transport_stream
from understudy_egress.join import join_pieces


def without_counters(stream: bytes) -> bytes:
    found = bytearray(stream)
    for at in range(3, len(found), PACKET_BYTES):
        found[at] &= 0xF0
    return bytes(found)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 1000)), min_size=1, max_size=5))
def test_counters_go_on_across_seams_and_nothing_else_changes(shapes: list[tuple[int, int]]) -> None:
    pieces = [make_transport_stream(packets, seed=seed) for packets, seed in shapes]
    joined = join_pieces(pieces)
    assert not continuity_errors(joined)
    assert without_counters(joined) == without_counters(b"".join(pieces))


def test_a_single_piece_is_itself() -> None:
    piece = make_transport_stream(10)
    assert join_pieces([piece]) is piece


def test_pieces_that_follow_each_other_stay_as_they_are() -> None:
    stream = make_transport_stream(100)
    halves = [stream[: 50 * PACKET_BYTES], stream[50 * PACKET_BYTES :]]
    assert join_pieces(halves) == stream


def test_what_is_no_transport_stream_is_left_alone() -> None:
    assert join_pieces([b"abc", b"defg"]) == b"abcdefg"
    assert join_pieces([b"\0" * PACKET_BYTES, b"\1" * PACKET_BYTES]) == b"\0" * PACKET_BYTES + b"\1" * PACKET_BYTES

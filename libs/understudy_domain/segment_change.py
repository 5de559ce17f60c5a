"""A new S_in in mid-life: encoders that are changed, or an input of another segment length that is left alone.

The channel gets another grid once all inputs that are alive have agreed on another length, three pieces in a row each.
Until then pieces of another length take their places on the old one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from understudy_domain.channel_state import ChannelState
from understudy_domain.grid import Grid
from understudy_domain.piece import Piece
from understudy_domain.timeline import InputState

PIECES_TO_SETTLE = 3
DIFFERENCE_DIVISOR = 10
"""What is within a tenth of S_in is the same length: encoders vary."""


def follow_segment_duration(state: ChannelState, alive: Sequence[InputState]) -> None:
    """Replace the grid where every input that is ``alive`` has settled on another segment duration."""
    newest = _newest(alive[0], state) if alive else ()
    if state.grid is None or not newest:
        return
    first = newest[0]
    length = first.end - first.start
    same_max = max(first.frame_duration, state.grid.segment_duration // DIFFERENCE_DIVISOR)
    if abs(length - state.grid.segment_duration) <= same_max:
        return
    runs = [_newest_run(one, state) for one in alive]
    if not all(runs):
        return
    if any(abs(run[0].end - run[0].start - length) > run[0].frame_duration for run in runs):
        return
    state.grid = Grid(anchor=first.start, segment_duration=length)
    for endpoint in state.endpoints:
        endpoint.passed = None


def _newest_run(one: InputState, state: ChannelState) -> Sequence[Piece]:
    """The input's newest pieces of the rendition that times slots, if they agree and continue each other."""
    newest = _newest(one, state)
    return newest if len(newest) == PIECES_TO_SETTLE and all(_alike(*two) for two in pairwise(newest)) else ()


def _newest(one: InputState, state: ChannelState) -> Sequence[Piece]:
    for rendition in state.lineup:
        pieces = one.rendition_pieces(rendition.rendition)
        if pieces and pieces[-1].end >= one.newest_end - pieces[-1].frame_duration:
            return pieces[-PIECES_TO_SETTLE:]
    return ()


def _alike(before: Piece, piece: Piece) -> bool:
    frame = max(before.frame_duration, piece.frame_duration)
    return (
        abs((piece.end - piece.start) - (before.end - before.start)) <= frame and abs(piece.start - before.end) <= frame
    )

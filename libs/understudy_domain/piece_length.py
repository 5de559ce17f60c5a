"""How long an input's pieces are: by what a hole, and what is left of a piece, is told from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from understudy_domain.grid import Grid
from understudy_domain.piece import Piece

NEWEST_KEPT = 8
"""Pieces of each playlist that are never forgotten before newer ones have come."""
_SHORTER = 4 / 3


def half_of(pieces: Sequence[Piece], grid: Grid) -> int:
    """S_in / 2, or half of the input's own pieces where these are markedly shorter: what is less than that is no piece.

    So are two in a row that are alike: a single one may be cut short. Only pieces that are kept whatever was decided
    tell.
    """
    for piece in pieces[-NEWEST_KEPT:]:
        if is_short(piece, grid.segment_duration):
            return _half_of_short(pieces[-NEWEST_KEPT:], grid)
    return grid.segment_duration // 2


def is_short(piece: Piece, segment_duration: int) -> bool:
    """Markedly shorter than S_in. One that is not makes no half shorter, and none that is S_in / 2 longer."""
    return _SHORTER * (piece.end - piece.start) < segment_duration


def _half_of_short(newest: Sequence[Piece], grid: Grid) -> int:
    length = max([piece.end - piece.start for piece in newest])
    for before, piece in pairwise(newest):
        duration = piece.end - piece.start
        if abs(duration - before.end + before.start) <= piece.frame_duration:
            length = min(length, duration)
    return (length if _SHORTER * length < grid.segment_duration else grid.segment_duration) // 2

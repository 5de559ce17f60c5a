"""Joining input segments to one output segment, MPEG-TS: continuity counters are shifted as the entry says, no more.

Each piece is continuous in itself (its probe said so). Within a piece all counters of a PID are moved by the same
amount, so that the first one follows the last that was published before it, in this segment or an earlier one; the
length stays, and so does every other bit. What this does to bytes is part of the rendering version: change it, and
``entry.RENDERING_VERSION`` rises.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from understudy_domain.entry import CounterShift

PACKET_BYTES = 188
_SYNC = 0x47
_PIDS = 0x2000
_NULL_PID = _PIDS - 1

_Piece = TypeVar("_Piece", bound=bytes | memoryview)
_Shifts = Sequence[CounterShift] | None


def join_pieces(pieces: Sequence[_Piece], shifts: Sequence[_Shifts]) -> _Piece | memoryview:
    """The output segment of these pieces, in order. Its length is the sum of theirs.

    Args:
        pieces: bytes as stored.
        shifts: of each piece, what its entry says; a single piece without any is itself.
    """
    if len(pieces) == 1 and not shifts[0]:
        return pieces[0]
    joined = bytearray().join(pieces)
    start = 0
    for piece, shift in zip(pieces, shifts, strict=True):
        if shift and len(piece) and len(piece) % PACKET_BYTES == 0:
            _shift(np.frombuffer(joined, dtype=np.uint8, count=len(piece), offset=start), shift)
        start += len(piece)
    return memoryview(joined).toreadonly()


def _shift(piece: NDArray[np.uint8], shifts: Iterable[CounterShift]) -> None:
    """Raise a piece's counters in place; what has lost its packets' beginnings is left alone."""
    packets = piece.reshape(-1, PACKET_BYTES)
    if not (packets[:, 0] == _SYNC).all():
        return
    amounts = np.zeros(_PIDS, dtype=np.uint8)
    for shift in shifts:
        if 0 <= shift.track_id < _NULL_PID:
            amounts[shift.track_id] = shift.amount & 0x0F
    pids = ((packets[:, 1] & 0x1F).astype(np.uint16) << 8) | packets[:, 2]
    flags = packets[:, 3]
    packets[:, 3] = (flags & 0xF0) | ((flags + amounts[pids]) & 0x0F)

"""Joining input segments to one output segment, MPEG-TS: only continuity counters are rewritten, in place.

Each piece is continuous in itself (its probe said so). Within a piece all counters of a PID are moved by the same
amount, so that the first one follows the last of the piece before; the length stays, and so does every other bit.
What this does to bytes is part of the rendering version: change it, and ``entry.RENDERING_VERSION`` rises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

PACKET_BYTES = 188
_SYNC = 0x47
_NULL_PID = 0x1FFF
_PIDS = 0x2000
_UNSEEN = 255

_Bytes = NDArray[np.uint8]
_Piece = TypeVar("_Piece", bound=bytes | memoryview)


def join_pieces(pieces: Sequence[_Piece]) -> _Piece | bytes:
    """The output segment of these pieces, in order; a single one is itself. Its length is the sum of theirs."""
    if len(pieces) == 1:
        return pieces[0]
    joined = bytearray().join(pieces)
    if any(len(piece) % PACKET_BYTES for piece in pieces):
        return bytes(joined)
    packets = np.frombuffer(joined, dtype=np.uint8).reshape(-1, PACKET_BYTES)
    if not (packets[:, 0] == _SYNC).all():
        return bytes(joined)
    last = np.full(_PIDS, _UNSEEN, dtype=np.uint8)
    start = 0
    for piece in pieces:
        end = start + len(piece) // PACKET_BYTES
        _continue(packets[start:end], last)
        start = end
    return bytes(joined)


def _continue(packets: _Bytes, last: _Bytes) -> None:
    """Move a piece's counters so that they follow ``last``, the newest of each PID, and renew that."""
    if not len(packets):
        return
    pids = ((packets[:, 1] & 0x1F).astype(np.intp) << 8) | packets[:, 2]
    flags = packets[:, 3]
    counters = flags & 0x0F
    first_index = np.full(_PIDS, -1, dtype=np.int64)
    # Of several assignments to one index numpy keeps the last: backwards, that is the first packet of each PID.
    first_index[pids[::-1]] = np.arange(len(pids) - 1, -1, -1)
    shift = np.zeros(_PIDS, dtype=np.uint8)
    for pid in np.flatnonzero(first_index >= 0):
        if pid == _NULL_PID or last[pid] == _UNSEEN:
            continue
        index = first_index[pid]
        # A packet without payload repeats the counter before it.
        step = 1 if flags[index] & 0x10 else 0
        shift[pid] = (int(last[pid]) + step - int(counters[index])) & 0x0F
    if shift.any():
        counters = (counters + shift[pids]) & 0x0F
        packets[:, 3] = (flags & 0xF0) | counters
    last[pids] = counters

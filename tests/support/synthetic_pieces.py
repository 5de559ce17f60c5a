"""Pieces and what an input has delivered of them, without facts: for the parts of the core that look at pieces only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from understudy_domain.piece import Piece
from understudy_domain.ticks import from_seconds
from understudy_domain.timeline import InputState

S_IN = from_seconds(2)
FRAME = 3600


def piece(number: float = 0, *, input_id: int = 1, seconds: float = 2, **changes: Any) -> Piece:
    """The piece that begins ``number`` times 2 s after programme time 0, and arrives as it ends."""
    start = from_seconds(2 * number)
    end = start + from_seconds(seconds)
    made = Piece(
        input_id=input_id,
        path=f"{number}.ts",
        object_key=f"{input_id}/{number}",
        size=1000,
        start=start,
        end=end,
        timestamp=start + 900_000,
        frame_duration=FRAME,
        configuration="sps",
        codecs=("avc1", "mp4a"),
        arrived_at=end,
        session=input_id,
        modulus=2**33,
        layout="tables",
    )
    return replace(made, **changes)


def input_state(pieces: Mapping[str, Sequence[Piece]], *, input_id: int = 1) -> InputState:
    """An input that has delivered these, by rendition."""
    carries = {rendition: f"{rendition}.m3u8" for rendition in pieces}
    return InputState(
        input_id, carries=carries, pieces={carries[rendition]: list(run) for rendition, run in pieces.items()}
    )

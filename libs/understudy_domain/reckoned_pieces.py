"""What every slot asks of an input's pieces: reckoned when it is asked for, and kept until the pieces change.

It follows from the record and is no part of it: whoever reads a record anew reckons anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from understudy_domain.grid import Grid
from understudy_domain.lineup import FirstSegment, Rendition
from understudy_domain.piece import Piece
from understudy_domain.piece_length import half_of, is_short

_end_of = attrgetter("end")


class ReckonedPieces:
    """The part of an input's state that is reckoned from the rest. Whoever changes that says so here."""

    __slots__ = ("_halves", "_reach", "_settled")

    # Of the record:
    firsts: dict[str, FirstSegment]
    carries: dict[str, str]
    pieces: dict[str, list[Piece]]

    def __post_init__(self) -> None:
        self._halves: dict[str, tuple[int, int]] = {}
        """By playlist, of those that were asked for: S_in, and by it half of what its pieces are long."""
        self._reach: dict[str, int] = {}
        """By playlist, of those that were asked for: where its last piece ends, mostly that of its newest."""
        self._settled: tuple[object, object] | None = None
        """The line-up, and what is carried of it, that its playlists were found to be those of."""

    def carries_just(self, lineup: Sequence[Rendition]) -> bool:
        """Whether its playlists, if it has any, are those of the channel's line-up, no more and no less."""
        known, carries = self._settled, self.carries
        if known is not None and known[0] is lineup and known[1] is carries:
            return True
        is_settled = not self.firsts or {carries.get(one.rendition) for one in lineup} == self.firsts.keys()
        self._settled = (lineup, carries) if is_settled else None
        return is_settled

    def reach_of(self, rendition: str) -> int:
        """Where the last of its pieces of one of the channel's renditions ends, programme time; 0 without any."""
        playlist = self.carries.get(rendition)
        if playlist is None or playlist not in self.pieces:
            return 0
        reach = self._reach.get(playlist)
        if reach is None:
            reach = self._reach[playlist] = max(map(_end_of, self.pieces[playlist]), default=0)
        return reach

    def half_of(self, rendition: str, grid: Grid) -> int:
        """S_in / 2, or half of its own pieces of a rendition where these are markedly shorter: see ``piece_length``."""
        return self.measured(rendition, grid)[1]

    def measured(self, rendition: str, grid: Grid) -> tuple[Sequence[Piece], int, int]:
        """Its pieces of one of the channel's renditions, with ``half_of`` and ``reach_of`` them."""
        playlist = self.carries.get(rendition, "")
        pieces = self.pieces.get(playlist)
        if not pieces:
            return (), grid.segment_duration // 2, 0
        known = self._halves.get(playlist)
        if known is None or known[0] != grid.segment_duration:
            known = self._halves[playlist] = grid.segment_duration, half_of(pieces, grid)
        reach = self._reach.get(playlist)
        return pieces, known[1], self.reach_of(rendition) if reach is None else reach

    def _playlists_change(self) -> None:
        self._settled = None

    def _piece_comes(self, playlist: str, piece: Piece) -> None:
        if playlist in self._reach:
            self._reach[playlist] = max(self._reach[playlist], piece.end)
        segment_duration, half = self._halves.get(playlist, (0, 0))
        if half != segment_duration // 2 or is_short(piece, segment_duration):
            self._halves.pop(playlist, None)

    def _pieces_change(self, playlist: str) -> None:
        self._halves.pop(playlist, None)
        self._reach.pop(playlist, None)

"""Both inputs together: the pieces of a slot that neither has whole, or that the active one lost (steps 3 and 5).

A piece is borrowed in every rendition or in none, so that all renditions of a slot have the same input history (I3),
and only where both its seams were measured against its real neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from understudy_domain.grid import Grid
from understudy_domain.interchange import joins
from understudy_domain.piece import Piece
from understudy_domain.slots import SlotBounds, SlotDelivery
from understudy_domain.timeline import InputState

Cell = dict[str, Piece]
"""One piece in every rendition, by rendition."""


@dataclass(frozen=True, slots=True)
class Union:
    """A slot that both inputs together cover."""

    delivery: SlotDelivery
    recovered: bool
    """The active input has delivered, in every rendition, media later than all that was borrowed."""


def union(
    active: InputState, other: InputState, renditions: Sequence[str], *, grid: Grid, bounds: SlotBounds
) -> Union | None:
    """The slot from the active input's pieces and, where it lacks one, the other's; None if that does not join.

    That the two are joinable at all has been proven before; here each seam is measured.
    """
    half = grid.segment_duration // 2
    begin = grid.start_of(bounds.slot, slot_duration=bounds.slot_duration)
    end = begin + bounds.slot_duration
    published = bounds.published_until if bounds.published_until is not None else begin
    cursor = published if published >= begin - half else begin
    cells: list[Cell] = []
    while cursor < end - half:
        cell = _cell_at(active, renditions, cursor, half) or _cell_at(other, renditions, cursor, half)
        if cell is None and cursor < begin:  # a piece that begins earlier may belong to the slot, and need not be there
            cursor = begin
            continue
        if cell is None or cell[renditions[0]].end <= cursor:
            return None
        cells.append(cell)
        cursor = cell[renditions[0]].end
    if not cells or not _joined(cells, active, other, renditions, half):
        return None
    pieces = {rendition: tuple(cell[rendition] for cell in cells) for rendition in renditions}
    completed_at = max(piece.arrived_at for run in pieces.values() for piece in run)
    delivery = SlotDelivery(active.input_id, complete=True, missing=(), pieces=pieces, completed_at=completed_at)
    return Union(delivery, _has_recovered(cells, active, renditions))


def _cell_at(state: InputState, renditions: Sequence[str], instant: int, half: int) -> Cell | None:
    """The input's piece that begins at about ``instant``, if it has it in every rendition, cut alike."""
    cell: Cell = {}
    for rendition in renditions:
        near = [piece for piece in state.rendition_pieces(rendition) if abs(piece.start - instant) < half]
        if not near:
            return None
        cell[rendition] = min(near, key=lambda piece: abs(piece.start - instant))
    first = cell[renditions[0]]
    if any(abs(piece.start - first.start) >= half or abs(piece.end - first.end) >= half for piece in cell.values()):
        return None
    return cell


def _joined(cells: list[Cell], active: InputState, other: InputState, renditions: Sequence[str], half: int) -> bool:
    """Every seam between two inputs joins, those at the slot's ends included where the neighbour is known."""
    before = _cell_before(cells[0], active, renditions, half) or _cell_before(cells[0], other, renditions, half)
    after = _cell_at(active, renditions, cells[-1][renditions[0]].end, half)
    neighbours = [*([before] if before else []), *cells, *([after] if after else [])]
    for first, second in pairwise(neighbours):
        for rendition in renditions:
            if first[rendition].input_id != second[rendition].input_id and not joins(
                first[rendition], second[rendition]
            ):
                return False
    return True


def _cell_before(cell: Cell, state: InputState, renditions: Sequence[str], half: int) -> Cell | None:
    found: Cell = {}
    for rendition in renditions:
        ending = [
            piece
            for piece in state.rendition_pieces(rendition)
            if abs(piece.end - cell[rendition].start) < half and piece.start < cell[rendition].start
        ]
        if not ending:
            return None
        found[rendition] = ending[-1]
    return found


def _has_recovered(cells: list[Cell], active: InputState, renditions: Sequence[str]) -> bool:
    borrowed = [cell for cell in cells if cell[renditions[0]].input_id != active.input_id]
    if not borrowed:
        return True
    return all(
        (mine := active.rendition_pieces(rendition)) and mine[-1].start > borrowed[-1][rendition].start
        for rendition in renditions
    )

"""What an input has delivered of a slot, and how much of that one entry may hold (failover rule, Words: complete)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from understudy_domain.grid import Grid
from understudy_domain.timeline import InputState, Piece, offset_difference


@dataclass(frozen=True, slots=True)
class SlotDelivery:
    """What one input has delivered of one slot."""

    input_id: int
    complete: bool
    missing: tuple[str, ...]
    """Renditions that lack a piece."""
    pieces: Mapping[str, tuple[Piece, ...]]
    """By rendition, in order of time, with whatever holes there are."""
    completed_at: int | None
    """Instant at which the last piece of a complete slot arrived."""

    @property
    def starts_at(self) -> int | None:
        """Programme time at which its first piece begins; None without any."""
        return min((pieces[0].start for pieces in self.pieces.values() if pieces), default=None)


@dataclass(frozen=True, slots=True)
class SlotBounds:
    """A slot of an endpoint, and how far its programme has been published."""

    slot: int
    slot_duration: int
    """S_out, ticks."""
    published_until: int | None
    """Programme time at which the last entry ended; None before the first."""
    renditions_until: Mapping[str, int] = field(default_factory=dict)
    """The same by rendition, of those that were no gap in it: they need not be cut at the same places."""


def slot_delivery(state: InputState, renditions: Iterable[str], *, grid: Grid, bounds: SlotBounds) -> SlotDelivery:
    """What ``state`` has delivered of a slot: every rendition's pieces, and whether they cover it.

    Covered is a rendition whose pieces run from where the programme was published to, or the slot's begin, to its
    predicted end without a hole of more than S_in / 2: less than that is no piece. Where nothing is published yet the
    slot begins at the first piece boundary, however far the piece before it reaches into it.
    """
    half = grid.segment_duration // 2
    begin = grid.start_of(bounds.slot, slot_duration=bounds.slot_duration)
    end = begin + bounds.slot_duration
    pieces: dict[str, tuple[Piece, ...]] = {}
    missing = []
    completed_at: int | None = None
    for rendition in renditions:
        mine = state.rendition_pieces(rendition)
        published = bounds.renditions_until.get(rendition, bounds.published_until)
        reached = _reached(mine, begin - half, begin) if published is None else published
        reached = max(begin, reached, bounds.published_until or 0)
        in_slot = [piece for piece in mine if begin - half <= piece.start < end - half]
        unpublished = [piece for piece in in_slot if published is None or _is_unpublished(piece, published, half)]
        run = _without_overlap(unpublished, overlap_max=half)
        pieces[rendition] = run
        if _covers(run, begin=reached, end=end, hole_max=half):
            completed_at = max([completed_at or 0, *(piece.arrived_at for piece in run)])
        else:
            missing.append(rendition)
    complete = not missing and bool(pieces)
    return SlotDelivery(state.input_id, complete, tuple(missing), pieces, completed_at if complete else None)


def _reached(pieces: Sequence[Piece], earlier: int, begin: int) -> int:
    """Where the last piece that begins before ``earlier`` ends, or ``begin`` where there is none."""
    return next((piece.end for piece in reversed(pieces) if piece.start < earlier), begin)


def _is_unpublished(piece: Piece, published_until: int, overlap_max: int) -> bool:
    """Not yet shown, or no more than half of it, and never more than ``overlap_max``, at the seam of two inputs."""
    return piece.start >= published_until - overlap_max and piece.start + piece.end >= 2 * published_until


def _without_overlap(pieces: Iterable[Piece], *, overlap_max: int) -> tuple[Piece, ...]:
    """A session that was placed by arrival may begin inside its predecessor's last piece: what came first stays."""
    run: list[Piece] = []
    for piece in pieces:
        if not run or piece.start >= run[-1].end - overlap_max:
            run.append(piece)
    return tuple(run)


def _covers(run: Sequence[Piece], *, begin: int, end: int, hole_max: int) -> bool:
    reached = begin
    for piece in run:
        if piece.start > reached + hole_max:
            return False
        reached = max(reached, piece.end)
    return reached >= end - hole_max


def first_run(delivery: SlotDelivery, *, hole_max: int, duration_max: int) -> dict[str, tuple[Piece, ...]]:
    """What one entry may hold of a slot; what is left of it follows in further entries.

    An entry is one stretch of time: every rendition has all of it or nothing. So it ends where a rendition has a hole,
    stops or sets in, or where pieces do not continue each other, as a discontinuity can only stand between entries.
    Nor is it longer than ``duration_max`` (the target duration, ticks), unless a single piece is.
    """
    having = [pieces for pieces in delivery.pieces.values() if pieces]
    earliest = min((pieces[0] for pieces in having), key=lambda piece: piece.start)
    stops = [stop for pieces in having if (stop := _seam(pieces, hole_max, duration_max)) is not None]
    if not delivery.complete:
        ends = [pieces[-1].end for pieces in having]
        stops += [end for end in ends if end < max(ends) - hole_max]
        stops += [pieces[0].start for pieces in having if pieces[0].start > earliest.start + hole_max]
    if not stops:
        return dict(delivery.pieces)
    until = max(min(stops), earliest.end)
    return {
        rendition: tuple(piece for piece in pieces if piece.start + piece.end < 2 * until)
        for rendition, pieces in delivery.pieces.items()
    }


def _seam(pieces: Sequence[Piece], hole_max: int, duration_max: int) -> int | None:
    """Where the first stretch of a rendition's pieces ends; None if they are one stretch."""
    duration = pieces[0].end - pieces[0].start
    for before, piece in pairwise(pieces):
        duration += piece.end - piece.start
        if duration > duration_max or piece.start > before.end + hole_max or not _continues(before, piece):
            return before.end
    return None


def _continues(before: Piece, piece: Piece) -> bool:
    same_offset = abs(offset_difference(before, piece)) <= piece.frame_duration
    return same_offset and piece.configuration == before.configuration

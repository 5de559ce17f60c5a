"""What an input has delivered of a slot, and how much of that one entry may hold (failover rule, Words: complete)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import attrgetter

from understudy_domain.grid import Grid
from understudy_domain.piece import Piece, offset_difference
from understudy_domain.timeline import InputState
from understudy_domain.unguarded import unguarded

_LONGER = 3
"""In halves of S_in."""

_MISPLACED_HALVES = 3
"""Within so many halves of S_in of a boundary, a piece may belong to the other side of it than where it begins."""
_LONG_ONES = 2
"""Pieces that begin earlier and may reach into a slot all the same: one, or two where sessions overlap."""
_start_of = attrgetter("start")
_end_of = attrgetter("end")


@unguarded
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
    lacking: tuple[str, ...] = ()
    """Renditions that the input lacks for good, and of which there is nothing of this slot: it is complete without."""

    @property
    def renditions_at_start(self) -> int:
        """How many renditions have the piece with which it begins."""
        having = [pieces[0] for pieces in self.pieces.values() if pieces]
        if not having:
            return 0
        twice_its_end = 2 * min(having, key=_start_of).end
        return sum([piece.start + piece.end < twice_its_end for piece in having])

    @property
    def starts_at(self) -> int | None:
        """Programme time at which its first piece begins; None without any."""
        return min([pieces[0].start for pieces in self.pieces.values() if pieces], default=None)


@unguarded
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

    def published_of(self, rendition: str) -> int:
        """Programme time up to which a rendition needs no piece any more; 0 before the first entry."""
        programme = self.published_until or 0
        return max(programme, self.renditions_until.get(rendition, programme))


def slot_delivery(
    state: InputState,
    renditions: Iterable[str],
    *,
    grid: Grid,
    bounds: SlotBounds,
    lacking: Collection[str] = (),
) -> SlotDelivery:
    """What ``state`` has delivered of a slot: every rendition's pieces, and whether they cover it.

    Covered is a rendition whose pieces run from where the programme was published to, or the slot's begin, to its
    predicted end without a hole of more than S_in / 2: less than that is no piece. Where nothing is published yet the
    slot begins at the first piece boundary, however far the piece before it reaches into it. A rendition that is
    ``lacking`` for good counts only if there is something of it in the slot: what was delivered is not left out.
    """
    begin = grid.start_of(bounds.slot, slot_duration=bounds.slot_duration)
    end = begin + bounds.slot_duration
    programme, renditions_until = bounds.published_until, bounds.renditions_until
    pieces: dict[str, tuple[Piece, ...]] = {}
    missing, without = [], []
    leading: Sequence[Piece] | None = None
    leading_end = end
    delivered = {rendition: state.measured(rendition, grid) for rendition in renditions}
    half = min([half_of_mine for _, half_of_mine, _ in delivered.values()], default=0)
    for rendition, (mine, _, reach) in delivered.items():
        published = renditions_until.get(rendition, programme)
        placed = []
        is_shown = published is not None and reach <= published
        for piece in () if is_shown else _about(mine, begin, half, index_from(mine, end)):
            if published is not None and (
                piece.start + piece.end < 2 * published or piece.start < published - _half_a_piece(piece, half)
            ):
                continue
            if begin - half <= _place(piece, leading, begin, end, half, published) < end - half:
                placed.append(piece)
        pieces[rendition] = run = _without_overlap(placed, overlap_max=half) if len(placed) > 1 else tuple(placed)
        if not run and rendition in lacking:
            without.append(rendition)
            continue
        if leading is None:
            leading, leading_end = mine, max(end, run[-1].end) if run else end
        reached = max(begin, _reached(mine, begin - half, begin) if published is None else published, programme or 0)
        if not _covers(run, reached, leading_end, half):
            missing.append(rendition)
    complete = not missing and len(without) < len(pieces)
    arrived_at = [piece.arrived_at for run in pieces.values() for piece in run] if complete else ()
    completed_at = max(arrived_at, default=0) if complete else None
    return SlotDelivery(state.input_id, complete, tuple(missing), pieces, completed_at, tuple(without))


def has_reached(pieces: Sequence[Piece], *, begin: int, end: int, half: int) -> bool:
    """Whether any of a rendition's pieces reaches the end of a slot; while none does, ``slot_delivery`` lacks it."""
    return max(map(_end_of, _about(pieces, begin, half, len(pieces))), default=begin) >= end - half


def _about(pieces: Sequence[Piece], begin: int, half: int, until: int) -> Sequence[Piece]:
    """Those before ``until`` that may count in a slot from ``begin`` on; a long one may begin before all that do."""
    first, earliest = until, begin - _MISPLACED_HALVES * half
    while first and pieces[first - 1].start >= earliest:
        first -= 1
    return pieces[max(first - _LONG_ONES, 0) : until]


def index_from(pieces: Sequence[Piece], start: int) -> int:
    """Where in a rendition's pieces, which are in order of time, those stand that begin at ``start`` or later."""
    count = len(pieces)
    if not count or pieces[-1].start < start:  # as it is mostly: what is asked about is the newest
        return count
    if count > 1 and pieces[-2].start < start:
        return count - 1
    return bisect_left(pieces, start, key=_start_of)


def _half_a_piece(piece: Piece, half: int) -> int:
    """How much of a piece may be shown already: of one that is markedly longer than S_in, half of its own length."""
    duration = piece.end - piece.start
    return duration // 2 if duration > _LONGER * half else half


def _place(
    piece: Piece, leading: Sequence[Piece] | None, begin: int, end: int, half: int, published: int | None
) -> int:
    """What decides to which slot a piece belongs: where it begins, or the piece of the leading rendition beside it.

    Renditions are cut alike only within a frame, and a slot may begin within that frame. A piece of another length than
    S_in may have begun in a slot that is published: then it counts where that ended.
    """
    if published is not None and piece.start < published - half:
        return published
    if (
        leading is None
        or begin + half < piece.start < end - _MISPLACED_HALVES * half
        or not -_MISPLACED_HALVES * half < piece.start - begin < end - begin
    ):
        return piece.start
    middle = (piece.start + piece.end) // 2
    for one in reversed(leading):
        if one.start <= middle < one.end:
            return one.start
    return piece.start


def _reached(pieces: Sequence[Piece], earlier: int, begin: int) -> int:
    """Where the last piece that begins before ``earlier`` ends, or ``begin`` where there is none."""
    for piece in reversed(pieces):
        if piece.start < earlier:
            return piece.end
    return begin


def _without_overlap(pieces: Iterable[Piece], *, overlap_max: int) -> tuple[Piece, ...]:
    """A session that was placed by arrival may begin inside its predecessor's last piece: what came first stays."""
    run: list[Piece] = []
    for piece in pieces:
        if not run or piece.start >= run[-1].end - overlap_max:
            run.append(piece)
    return tuple(run)


def _covers(run: Sequence[Piece], begin: int, end: int, hole_max: int) -> bool:
    reached = begin
    for piece in run:
        if piece.start > reached + hole_max:
            return False
        reached = max(reached, piece.end)
    return reached >= end - hole_max


def begun_together(delivery: SlotDelivery) -> SlotDelivery:
    """A complete delivery, for an input that is changed to: it begins in all renditions with the same piece.

    Where inputs are not cut alike, what is published may reach into a piece so far that it still counts in one
    rendition and no longer in another. Nothing is left of the slot if that was all of it in one of them.
    """
    if not delivery.complete:
        return delivery
    wanted = {rendition: pieces for rendition, pieces in delivery.pieces.items() if rendition not in delivery.lacking}
    if not all(wanted.values()):
        nothing = dict.fromkeys(delivery.pieces, ())
        return replace(delivery, complete=False, missing=tuple(nothing), pieces=nothing, completed_at=None)
    return _from_the_same_piece(delivery, wanted)


def gone_on_together(delivery: SlotDelivery, bounds: SlotBounds) -> SlotDelivery:
    """The same for the active input, whose new session may begin inside what is published of its last.

    Nothing is left of a slot of which one rendition is shown by more than half: then all of them count as shown.
    """
    if not delivery.complete:
        return delivery
    wanted = {rendition: pieces for rendition, pieces in delivery.pieces.items() if rendition not in delivery.lacking}
    begun_within = [
        rendition
        for rendition, pieces in wanted.items()
        if pieces and pieces[0].start < bounds.published_of(rendition) - pieces[0].frame_duration
    ]
    if not begun_within:
        return delivery
    if not all(wanted.values()):
        return replace(delivery, pieces=dict.fromkeys(delivery.pieces, ()))
    return _from_the_same_piece(delivery, wanted)


def _from_the_same_piece(delivery: SlotDelivery, wanted: Mapping[str, tuple[Piece, ...]]) -> SlotDelivery:
    begin = max(pieces[0].start for pieces in wanted.values())
    alike = {
        rendition: tuple(piece for piece in pieces if piece.start + piece.end > 2 * begin)
        for rendition, pieces in delivery.pieces.items()
    }
    return replace(delivery, pieces=alike)


def whole_from(delivery: SlotDelivery, *, after: int, off_max: int) -> int | None:
    """Where the first piece after ``after`` begins that the delivery has in every rendition; programme time."""
    leading = next(iter(delivery.pieces.values()), ())
    for piece in leading:
        if piece.start > after and all(
            any(abs(one.start - piece.start) < off_max for one in pieces) for pieces in delivery.pieces.values()
        ):
            return piece.start
    return None


def first_run(
    delivery: SlotDelivery, *, hole_max: int, duration_max: int, other: SlotDelivery | None = None
) -> dict[str, tuple[Piece, ...]]:
    """What one entry may hold of a slot; what is left of it follows in further entries.

    An entry is one stretch of time: every rendition has all of it or nothing. So it ends where a rendition has a hole,
    stops or sets in, or where pieces do not continue each other, as a discontinuity can only stand between entries.
    Nor is it longer than ``duration_max`` (the target duration, ticks), unless a single piece is. What lacks renditions
    ends where the ``other`` delivery has all of them.
    """
    having = [pieces for pieces in delivery.pieces.values() if pieces]
    earliest = min([pieces[0] for pieces in having], key=_start_of)
    stops = [stop for pieces in having if (stop := _seam(pieces, hole_max, duration_max)) is not None]
    if not delivery.complete:
        ends = [pieces[-1].end for pieces in having]
        stops += [end for end in ends if end < max(ends) - hole_max]
        stops += [pieces[0].start for pieces in having if pieces[0].start > earliest.start + hole_max]
    if other is not None and delivery.renditions_at_start < len(delivery.pieces):
        whole = whole_from(other, after=earliest.start + hole_max, off_max=hole_max)
        stops += [whole] if whole is not None else []
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

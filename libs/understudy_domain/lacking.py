"""Renditions that an input lacks for good: it goes on without them, and is judged by those it has.

Nothing but its pieces tells, so that every controller finds the same: a rendition is lacking once another one of the
same input has delivered so much more, over so long a time, that a late piece cannot be the reason. A burst of backlog
proves nothing, nor does silence.
"""

from __future__ import annotations

from collections.abc import Sequence

from understudy_domain.failover import DEAD_AFTER_SEGMENTS
from understudy_domain.piece import Piece
from understudy_domain.piece_length import NEWEST_KEPT
from understudy_domain.timeline import InputState


def pieces_until_lacking(*, segment_duration: int, tolerance: int) -> int:
    """How many pieces another rendition delivers before one is lacking: 3 S_in and the tolerance, no more than is kept.

    The same as after which an input that delivers nothing is dead. A rendition's eight newest
    pieces stay whatever was decided, so that long slots ask for no more than these.
    """
    return min(DEAD_AFTER_SEGMENTS - (-tolerance // segment_duration), NEWEST_KEPT)


def far_behind(*, segment_duration: int, tolerance: int) -> int:
    """How far another rendition's newest piece ends at least after a rendition's own before that is lacking, ticks."""
    return (pieces_until_lacking(segment_duration=segment_duration, tolerance=tolerance) - 1) * segment_duration // 2


def lacking(state: InputState, renditions: Sequence[str], *, segment_duration: int, tolerance: int) -> tuple[str, ...]:
    """Those of ``renditions`` that an input lacks for good; durations in ticks."""
    ends = state.newest_ends(renditions)
    if ends and len(ends) == len(renditions) and max(ends) - min(ends) <= segment_duration:
        return ()  # as it is mostly: all of them go on, and none is ``far_behind``
    apart = far_behind(segment_duration=segment_duration, tolerance=tolerance)
    delivered = {rendition: state.rendition_pieces(rendition) for rendition in renditions}
    leading = max((pieces for pieces in delivered.values() if pieces), key=lambda run: run[-1].end, default=())
    if not leading:
        return ()
    count = pieces_until_lacking(segment_duration=segment_duration, tolerance=tolerance)
    return tuple(
        rendition
        for rendition, pieces in delivered.items()
        if not (pieces and leading[-1].end - pieces[-1].end < apart) and _goes_on_without(leading, pieces, count, apart)
    )


def _goes_on_without(leading: Sequence[Piece], pieces: Sequence[Piece], count: int, apart: int) -> bool:
    newest = leading[-count:]
    if len(newest) < count:
        return False
    since = pieces[-1].end if pieces else newest[0].start
    return newest[0].start + newest[0].end > 2 * since and newest[-1].arrived_at - newest[0].arrived_at >= apart

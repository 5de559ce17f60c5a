"""A segment's lines in a media playlist, whether its slot stands in the log or in an index page."""

from __future__ import annotations

from typing import Final

from understudy_domain.hls.media_segment import MediaSegment
from understudy_domain.ticks import TICKS_PER_SECOND

_TICKS_PER_MILLISECOND: Final = TICKS_PER_SECOND // 1_000
_DATE_DRIFT_DIVISOR: Final = 100


def render_lines(
    *,
    uri: str,
    duration: int,
    gap: bool,
    discontinuity: bool,
    date: int,
    slot_duration: int,
    interval_seconds: int,
    always_dated: bool = False,
) -> str:
    """The lines of one segment; ``always_dated``: with its date even between two intervals, where there are any."""
    dated = interval_seconds > 0 and (
        always_dated or _is_dated(date, discontinuity, slot_duration=slot_duration, interval_seconds=interval_seconds)
    )
    return MediaSegment(
        uri=uri,
        duration=duration,
        # To the millisecond, so that all dates look alike.
        program_date_time=date // _TICKS_PER_MILLISECOND * _TICKS_PER_MILLISECOND if dated else None,
        discontinuity=discontinuity,
        gap=gap,
    ).render()


def _is_dated(date: int, discontinuity: bool, *, slot_duration: int, interval_seconds: int) -> bool:
    """Whether this is the slot whose date is nearest to the beginning of an interval. Every jump is dated as well.

    The slot alone decides, by the length that slots usually have: the real neighbours may be unknown to a process that
    has just started. The reach is a little longer than a slot, since dates may drift: two dates do no harm, none would.
    """
    reach = slot_duration + slot_duration // _DATE_DRIFT_DIVISOR
    since = (date + slot_duration // 2) % (interval_seconds * TICKS_PER_SECOND)
    return discontinuity or since < reach

"""By how much the programme jumps from one entry to the next: what viewers are not shown, or are shown again."""

from __future__ import annotations

from understudy_domain.entry import EntryPiece, EntryRendition, ProgramEntry
from understudy_domain.interchange import ROUNDING


def jump_between(before: ProgramEntry, entry: ProgramEntry) -> int:
    """What the programme skips between two entries, ticks; negative: what it repeats; 0 where it is within a frame.

    Within one session of an encoder a hole of less than half a piece carries no discontinuity, and is a jump too: told
    where the same rendition times both slots, for renditions need not be cut at the same places. What is a gap keeps
    its place, and a programme that is live again after its end has skipped nothing.
    """
    if before.ended or entry.ended or entry.is_gap:
        return 0
    leading, led_before = _leading(entry), _leading(before)
    if leading is None:
        return 0
    if not entry.discontinuity and (led_before is None or led_before.rendition != leading.rendition):
        return 0
    jump = entry.start - before.end
    return jump if abs(jump) > _frame(leading.pieces[0], led_before) + ROUNDING else 0


def _leading(entry: ProgramEntry) -> EntryRendition | None:
    """The rendition that times a slot."""
    return next((one for one in entry.renditions if one.pieces), None)


def _frame(first: EntryPiece, led_before: EntryRendition | None) -> int:
    return max(first.frame_duration, led_before.pieces[-1].frame_duration if led_before is not None else 0)

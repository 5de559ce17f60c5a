"""What viewers were exposed to at one entry: what they were not shown, and what they had to wait for."""

from __future__ import annotations

from understudy_domain.entry import ProgramEntry
from understudy_domain.failover import JITTER_ALLOWANCE


def waited(entry: ProgramEntry) -> int:
    """By how much later than planned viewers may see the slot, ticks; what jitter excuses counts as nothing."""
    late = entry.as_of.instant - entry.available_at
    return late if late > JITTER_ALLOWANCE and not entry.ended else 0


def stalled(entry: ProgramEntry, before: ProgramEntry | None) -> int:
    """By how much the wait has grown since the slot before, ticks: a player without a buffer stood still for so long.

    A hold of ten seconds that ends in a burst makes every slot of the burst late; viewers have waited ten seconds.
    """
    return max(waited(entry) - (waited(before) if before is not None else 0), 0)


def lacks_renditions(entry: ProgramEntry) -> bool:
    """Whether there is something of the slot, and nothing of it in one rendition at least."""
    return not entry.is_gap and any(not one.pieces for one in entry.renditions)

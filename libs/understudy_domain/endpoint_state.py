"""An origin endpoint as the decision core carries it: its policy, and its last entry, from which all else follows."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.entry import ProgramEntry
from understudy_domain.grid import Grid
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND


@dataclass(slots=True)
class EndpointState:
    """Policy and last entry. A successor needs no more to go on than what the PROGRAM log gives it."""

    origin_endpoint: str
    """Guid."""
    segment_duration: int
    """As configured, ticks."""
    time_delay: int
    """Ticks."""
    revision: int
    last: ProgramEntry | None = None
    passed: int | None = None
    """A slot up to which everything was passed over without an entry, since the last one."""

    def slot_duration(self, grid: Grid) -> int:
        """S_out, ticks.

        Players hold the target duration for constant, so it is fixed at the endpoint's birth: a segment duration that
        is raised later is cut at the last piece boundary that keeps within it.
        """
        slot_duration = grid.slot_duration(self.segment_duration)
        if self.last is None:
            return slot_duration
        pieces_max = self.last.target_duration_seconds * TICKS_PER_SECOND // grid.segment_duration
        return min(slot_duration, max(pieces_max, 1) * grid.segment_duration)

    def target_duration_seconds(self, grid: Grid) -> int:
        """Fixed at the endpoint's birth: S_out + S_in / 2, rounded up."""
        if self.last is not None:
            return self.last.target_duration_seconds
        return -(-(self.slot_duration(grid) + grid.segment_duration // 2) // TICKS_PER_SECOND)

    def next_slot(self, grid: Grid) -> int | None:
        """The slot to decide next; None before the first. A new segment duration begins where the old one ended.

        That is the last entry's slot again until it is passed: the entry may hold the first part of it alone.
        """
        if self.last is None:
            return None
        slot_duration = self.slot_duration(grid)
        if self.last.slot_duration != slot_duration:
            slot = grid.slot_of(self.last.end, slot_duration=slot_duration)
        else:
            slot = self.last.slot
        return slot if self.passed is None else max(slot, self.passed)

    def has_part_of(self, slot: int, grid: Grid) -> bool:
        """The last entry holds part of this slot, by step 7; what there is of the rest is still to come."""
        last = self.last
        if last is None or last.reason is not Reason.PARTIAL or last.slot != slot:
            return False
        return last.slot_duration == self.slot_duration(grid)

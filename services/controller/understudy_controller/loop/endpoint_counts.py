"""What has been published of an origin endpoint, in plain numbers that become metrics when Prometheus asks.

Counted for each decision, so nothing here locks, formats or looks anything up: the library's counters would cost a
decision several times as much.
"""

from __future__ import annotations

from collections import deque

from understudy_domain.entry import ProgramEntry
from understudy_domain.exposure import lacks_renditions, stalled
from understudy_domain.headroom import headroom
from understudy_domain.jump import jump_between
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND

LOWEST_WITHIN = 60 * TICKS_PER_SECOND
"""Over so much time the lowest headroom is told, ticks: slots come and go between two scrapes."""

COUNTED: tuple[Reason, ...] = tuple(reason for reason in Reason if reason is not Reason.END)
"""The reasons of slots; the end of a programme is none."""


class EndpointCounts:
    """Of one origin endpoint, by this process alone. Durations are ticks."""

    __slots__ = ("_headrooms", "decisions", "discontinuities", "gaps", "lacking", "published", "skipped", "stalled")

    def __init__(self) -> None:
        self.decisions = dict.fromkeys(COUNTED, 0)
        self.published = [0, 0]
        """Programme, by the input that was active: input 1, input 2."""
        self.gaps = 0
        """Programme of slots of which there was nothing."""
        self.lacking = 0
        """Programme of slots of which there was nothing in some rendition."""
        self.skipped = 0
        self.stalled = 0
        self.discontinuities = 0
        self._headrooms: deque[tuple[int, int]] = deque()
        """(instant, headroom) of the last minute's slots, but for those that a later one has undercut."""

    def take(self, entry: ProgramEntry, before: ProgramEntry | None) -> None:
        """Count an entry that stands, after ``before``; the end of a programme is no slot."""
        if entry.ended:
            return
        self.decisions[entry.reason] += 1
        duration = entry.end - entry.start
        if entry.is_gap:
            self.gaps += duration
        else:
            self.published[entry.active_input - 1] += duration
            if lacks_renditions(entry):
                self.lacking += duration
        self.stalled += stalled(entry, before)
        self.discontinuities += entry.discontinuity
        if before is not None:
            self.skipped += max(jump_between(before, entry), 0)
        found = headroom(entry)
        if found is not None:
            self._note(entry.as_of.instant, found)

    def _note(self, instant: int, found: int) -> None:
        while self._headrooms and self._headrooms[-1][1] >= found:
            self._headrooms.pop()
        self._headrooms.append((instant, found))
        while self._headrooms[0][0] < instant - LOWEST_WITHIN:
            self._headrooms.popleft()

    def lowest_headroom(self) -> int | None:
        """Of the slots that were decided within a minute before the newest; None without any."""
        return self._headrooms[0][1] if self._headrooms else None

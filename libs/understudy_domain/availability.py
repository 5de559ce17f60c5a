"""What may be listed at an instant: the live edge after the time delay, and the window behind it.

1. An entry is available from its ``available_at`` on; the delay is already in it.
2. Listed are the newest available entries whose middles lie within the window behind the live edge, measured along
   what is listed (a jump in programme time costs nobody the window), but at least three, and at least three target
   durations where there is as much (RFC 8216, 6.2.2). A target duration that rises makes the window longer from then
   on: what has left it does not come back.
3. All of this depends on the configuration, the entries and ``now`` alone, so every egress process lists the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

from understudy_domain import ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry

LISTED_ENTRIES_MIN = 3
TARGET_DURATIONS_MIN = 3


class Spanning(Protocol):
    """An entry, or as much of one as says what it takes up."""

    @property
    def start(self) -> int:
        """Programme time, ticks."""

    @property
    def end(self) -> int:
        """Programme time, ticks."""


def available_count(entries: Sequence[ProgramEntry], *, now: int, start: int = 0) -> int:
    """How many of the entries, in order of media sequence, are available; the first ``start`` are known to be."""
    return bisect_right(entries, now, lo=start, key=lambda entry: entry.available_at)


def duration_of(entry: Spanning) -> int:
    """What an entry takes up in the window, ticks: the same for every rendition, so that all list the same slots."""
    return entry.end - entry.start


def playlist_window(endpoint: OriginEndpoint, *, target_duration_seconds: int) -> int:
    """How far behind the live edge entries are listed, ticks."""
    window_seconds = max(endpoint.hls_package.playlist_window_seconds, TARGET_DURATIONS_MIN * target_duration_seconds)
    return window_seconds * ticks.TICKS_PER_SECOND

"""Wakes up when the next entry of any origin endpoint becomes available."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from understudy_domain import ticks
from understudy_runtime import clock

_SLEEP_SECONDS_MAX = 1.0
"""A wall clock that is set meanwhile is noticed within this."""


class AvailabilityTimer:
    """Instants (ticks since the epoch) by origin endpoint guid; ``due(guid)`` is called when one has come.

    Only the last instant set for a guid counts.
    """

    def __init__(self, due: Callable[[str], None]) -> None:
        self._due = due
        self._instants: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        self._handle: asyncio.TimerHandle | None = None
        self._handle_instant: int | None = None

    def set(self, guid: str, instant: int | None) -> None:
        """Wake for ``guid`` at ``instant``; None: not at all."""
        if instant is None:
            self._instants.pop(guid, None)
        elif self._instants.get(guid) != instant:
            self._instants[guid] = instant
            heapq.heappush(self._heap, (instant, guid))
            if self._handle_instant is None or instant < self._handle_instant:
                self._arm()

    def stop(self) -> None:
        """Wake no more."""
        self._instants.clear()
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = self._handle_instant = None
        while self._heap and self._instants.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        if self._heap:
            self._handle_instant = self._heap[0][0]
            seconds = ticks.to_seconds(self._handle_instant - clock.now_ticks())
            delay = min(max(seconds, 0.0), _SLEEP_SECONDS_MAX)
            self._handle = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._handle = self._handle_instant = None
        now = clock.now_ticks()
        while self._heap and self._heap[0][0] <= now:
            instant, guid = heapq.heappop(self._heap)
            if self._instants.get(guid) == instant:
                del self._instants[guid]
                self._due(guid)
        self._arm()

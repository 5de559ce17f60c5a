"""Ticks: a message in a shard's log whenever a timer of the core is due, so that time passes without media.

The core's time is the log's. Nobody else's clock decides anything: this one only chooses when to write. A tick that is
stamped too early, because clocks differ, fires nothing and is followed by another.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterator

from understudy_domain import codec
from understudy_domain.facts import Tick
from understudy_domain.keys import clock_subject
from understudy_domain.ticks import from_seconds, to_seconds
from understudy_runtime import clock
from understudy_runtime.errors import BusRefused, BusUnavailable
from understudy_runtime.jetstream import Bus

_log = logging.getLogger(__name__)

_AFTER = from_seconds(0.001)
"""A timer fires when a message is stamped later than it, so the tick is written that much later."""
_AGAIN_SECONDS = 0.05
"""How long to wait for a tick to be read before another is written."""
_CLOCK_AHEAD_MAX = from_seconds(0.25)
"""Clocks differ by less: a tick that seems older was read late, after an outage or in a replay."""
_PAYLOAD = codec.encode(Tick())


class Timers:
    """When each channel is to be woken, by shard. A channel's newest time counts."""

    def __init__(self, wake_at_of: Callable[[str], int | None]) -> None:
        self._wake_at_of = wake_at_of
        self._heaps: dict[int, list[tuple[int, str]]] = {}
        self.changed = asyncio.Event()

    def set(self, shard: int, channel_guid: str) -> None:
        """The channel has been asked; its timer may have moved."""
        wake_at = self._wake_at_of(channel_guid)
        if wake_at is not None:
            heapq.heappush(self._heaps.setdefault(shard, []), (wake_at, channel_guid))
            self.changed.set()

    def due(self, shard: int, *, before: int) -> Iterator[str]:
        """Channels of a shard whose timer is earlier than ``before``, each taken from the timers."""
        heap = self._heaps.get(shard, [])
        while (first := self._first(heap)) is not None and first[0] < before:
            yield heapq.heappop(heap)[1]

    def next_due(self) -> dict[int, int]:
        """The earliest timer of each shard that has one."""
        found = {}
        for shard, heap in self._heaps.items():
            first = self._first(heap)
            if first is not None:
                found[shard] = first[0]
        return found

    def _first(self, heap: list[tuple[int, str]]) -> tuple[int, str] | None:
        """The earliest timer that is still true; outdated ones are dropped."""
        while heap and self._wake_at_of(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0] if heap else None


class Ticker:
    """Writes a tick into every shard that has a timer due."""

    def __init__(self, bus: Bus, timers: Timers) -> None:
        self._bus = bus
        self._timers = timers
        self._clock_ahead = 0
        """How far this machine's clock was ahead of the log's at the last tick, ticks."""

    def heard(self, *, instant: int) -> None:
        """A tick was read back."""
        self._clock_ahead = min(max(clock.now_ticks() - instant, 0), _CLOCK_AHEAD_MAX)

    async def run(self) -> None:
        """Write ticks for ever."""
        while True:
            self._timers.changed.clear()
            waits = self._timers.next_due()
            now = clock.now_ticks() - self._clock_ahead
            due = [shard for shard, wake_at in waits.items() if wake_at + _AFTER <= now]
            for shard in due:
                await self._write(shard)
            if due:
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            timeout = to_seconds(max(min(waits.values()) + _AFTER - now, 0)) if waits else None
            try:
                async with asyncio.timeout(timeout):
                    await self._timers.changed.wait()
            except TimeoutError:
                continue

    async def _write(self, shard: int) -> None:
        try:
            await self._bus.publish(clock_subject(shard), _PAYLOAD)
        except (BusUnavailable, BusRefused) as err:
            _log.warning("cannot write a tick: %s", err, extra={"shard": shard})

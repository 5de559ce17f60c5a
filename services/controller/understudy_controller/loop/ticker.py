"""Ticks: a message in a shard's log whenever a timer of the core is due, so that time passes without media.

The core's time is the log's. Nobody else's clock decides anything: this one only chooses when to write. A tick that is
stamped too early, because clocks differ, fires nothing and is followed by another.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import Callable, Iterator
from math import inf

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
_HEARD_KEPT = 8
_CLOCK_AHEAD_MAX = from_seconds(0.25)
"""Clocks differ by less: a tick that seems older was read late, after an outage or in a replay."""
_PAYLOAD = codec.encode(Tick())


class Timers:
    """When each channel is to be woken, by shard. A channel's newest time counts."""

    def __init__(self, wake_at_of: Callable[[str], int | None]) -> None:
        self._wake_at_of = wake_at_of
        self._heaps: dict[int, list[tuple[int, str]]] = {}
        self._newest: dict[str, int] = {}
        """By channel, the last time that was put into its shard's heap and has not been taken from it."""
        self._earlier_than: float = inf
        self.changed = asyncio.Event()
        """Some channel's timer is earlier than was waited for."""

    def set(self, shard: int, channel_guid: str) -> None:
        """The channel has been asked; its timer may have moved."""
        wake_at = self._wake_at_of(channel_guid)
        if wake_at is None or self._newest.get(channel_guid) == wake_at:
            return
        self._newest[channel_guid] = wake_at
        heapq.heappush(self._heaps.setdefault(shard, []), (wake_at, channel_guid))
        if wake_at < self._earlier_than:
            self.changed.set()

    def wait_for(self, wake_at: int | None) -> None:
        """Say ``changed`` when a channel is to be woken earlier than then; None: whenever one is to be."""
        self.changed.clear()
        self._earlier_than = inf if wake_at is None else wake_at

    def due(self, shard: int, *, before: int) -> Iterator[str]:
        """Channels of a shard whose timer is earlier than ``before``, each taken from the timers."""
        heap = self._heaps.get(shard, [])
        while (first := self._first(heap)) is not None and first[0] < before:
            yield self._pop(heap)

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
            self._pop(heap)
        return heap[0] if heap else None

    def _pop(self, heap: list[tuple[int, str]]) -> str:
        wake_at, channel_guid = heapq.heappop(heap)
        if self._newest.get(channel_guid) == wake_at:
            del self._newest[channel_guid]
        return channel_guid


class Ticker:
    """Writes a tick into every shard that has a timer due."""

    def __init__(self, bus: Bus, timers: Timers) -> None:
        self._bus = bus
        self._timers = timers
        self._heard: deque[int] = deque([0], maxlen=_HEARD_KEPT)
        """How far this machine's clock was ahead of the log's when each of the last ticks was read, ticks."""
        self._again_at: dict[int, float] = {}
        """By shard, when another tick may be written, by the monotonic clock: of those that have just had one."""
        self._writing: dict[int, asyncio.Task[None]] = {}
        """By shard, the tick that is being written."""

    def heard(self, *, instant: int) -> None:
        """A tick was read back."""
        self._heard.append(min(max(clock.now_ticks() - instant, 0), _CLOCK_AHEAD_MAX))

    @property
    def _clock_ahead(self) -> int:
        """How far it is ahead: a tick that was read late, because there was much to do, tells too much."""
        return min(self._heard)

    async def run(self) -> None:
        """Write ticks for ever."""
        try:
            while True:
                seconds = self._write_due()
                try:
                    async with asyncio.timeout(seconds):
                        await self._timers.changed.wait()
                except TimeoutError:
                    continue
        finally:
            for task in self._writing.values():
                task.cancel()

    def _write_due(self) -> float | None:
        """Begin to write a tick into each shard that needs one; how long until the next does, None: until one may."""
        waits = self._timers.next_due()
        now, at = clock.now_ticks() - self._clock_ahead, clock.monotonic()
        self._again_at = {shard: again_at for shard, again_at in self._again_at.items() if again_at > at}
        for shard, wake_at in waits.items():
            if not self._has_just_one(shard) and wake_at + _AFTER <= now:
                self._again_at[shard] = at + _AGAIN_SECONDS
                # Not waited for: where much comes an acknowledgement takes a while, and other shards are due meanwhile.
                self._writing[shard] = asyncio.get_running_loop().create_task(self._write(shard), name="tick")
        upcoming = [wake_at for shard, wake_at in waits.items() if not self._has_just_one(shard)]
        self._timers.wait_for(min(upcoming, default=None))
        seconds = [again_at - at for again_at in self._again_at.values()]
        seconds += [to_seconds(max(wake_at + _AFTER - now, 0)) for wake_at in upcoming]
        return min(seconds, default=None)

    def _has_just_one(self, shard: int) -> bool:
        return shard in self._again_at or shard in self._writing

    async def _write(self, shard: int) -> None:
        try:
            await self._bus.publish(clock_subject(shard), _PAYLOAD)
        except (BusUnavailable, BusRefused) as err:
            _log.warning("cannot write a tick: %s", err, extra={"shard": shard})
        finally:
            del self._writing[shard]
            self._timers.changed.set()  # it may need another

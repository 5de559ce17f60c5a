"""EVENTS: what was told is published in order, once, and never in the way of a decision.

Publishing returns at once; a queue of bounded length is worked off beside everything else, and waits while NATS is
away. Two processes may tell the same event, one after the other: the stream drops what it has heard within its
duplicate window by the event's id; what happened longer ago is held against the last event of its subject first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from typing import Final

from understudy_controller.loop.metrics import LoopMetrics
from understudy_domain import codec
from understudy_domain.errors import MalformedRecord
from understudy_domain.event import Event
from understudy_domain.keys import EVENTS_STREAM, event_subject
from understudy_domain.ticks import from_seconds
from understudy_runtime import clock
from understudy_runtime.errors import BusRefused, BusUnavailable
from understudy_runtime.jetstream import Bus
from understudy_runtime.streams import DUPLICATE_WINDOW_SECONDS

_log = logging.getLogger(__name__)

_WAITING_MAX: Final = 10_000
"""Some megabytes. More wait only while NATS is away for long; then the oldest are dropped and counted."""
_RETRY_SECONDS: Final = 0.5
LONG_AGO: Final = from_seconds(DUPLICATE_WINDOW_SECONDS / 2)
"""What happened longer ago, ticks, may have been published before the stream's duplicate window began."""


class Events:
    """Publishes events."""

    def __init__(self, bus: Bus, metrics: LoopMetrics, *, waiting_max: int = _WAITING_MAX) -> None:
        self._bus = bus
        self._metrics = metrics
        self._waiting_max = waiting_max
        self._waiting: deque[Event] = deque()
        self._of_channel: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._working = asyncio.Lock()

    def publish(self, event: Event) -> None:
        """Publish after everything that waits; returns at once."""
        if len(self._waiting) >= self._waiting_max:
            self._done_with(self._waiting[0])
            self._metrics.dropped_events.inc()
        self._waiting.append(event)
        self._of_channel[event.channel] += 1
        self._changed.set()

    def is_idle(self, channel: str) -> bool:
        """Whether everything told of a channel (guid) stands in EVENTS, or was dropped."""
        return channel not in self._of_channel

    async def drain(self, *, seconds: float) -> None:
        """Publish what is waiting, for at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._work_off()
        except TimeoutError:
            _log.warning("%d events were not published", len(self._waiting))

    async def run(self) -> None:
        """Publish for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._work_off()

    async def _work_off(self) -> None:
        async with self._working:
            while self._waiting:
                event = self._waiting[0]
                try:
                    await self._store(event)
                except BusUnavailable as err:
                    _log.warning("cannot publish events, trying again: %s", err, extra={"waiting": len(self._waiting)})
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                except BusRefused:
                    _log.exception("an event is refused and dropped", extra={"event": event.id})
                    self._metrics.dropped_events.inc()
                self._done_with(event)

    def _done_with(self, event: Event) -> None:
        """It is the first, unless it was dropped while it was being published."""
        if not self._waiting or self._waiting[0] is not event:
            return
        self._waiting.popleft()
        self._of_channel[event.channel] -= 1
        if not self._of_channel[event.channel]:
            del self._of_channel[event.channel]

    async def _store(self, event: Event) -> None:
        subject = event_subject(event.kind, event.channel, event.about)
        if clock.now_ticks() - event.instant > LONG_AGO and await self._stands(event, subject):
            return
        await self._bus.publish(subject, codec.encode(event), message_id=event.id)

    async def _stands(self, event: Event, subject: str) -> bool:
        """Whether the event was published before: those of one subject are published in their order."""
        last = await self._bus.last_message(EVENTS_STREAM, subject)
        if last is None:
            return False
        try:
            return codec.decode_as(Event, last.payload).order >= event.order
        except MalformedRecord:
            return False

"""EVENTS as it is read: the newest of a span of time, of one channel or of all, and what comes after."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from understudy_domain import codec, keys
from understudy_domain.errors import MalformedRecord
from understudy_domain.event import Event
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

SINCE_DEFAULT: Final = 86_400 * TICKS_PER_SECOND
"""How far back events are shown where nobody says it: a day, ticks."""
_AT_ONCE: Final = 1_000
"""Messages read by one consumer: what is held in memory beside what is kept."""
_DECODED_AT_ONCE: Final = 50
"""Whoever decides in the same process is not kept waiting for longer than some milliseconds."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Whose events are wanted: a channel's by its guid, or by its id where it is deleted and its guid forgotten."""

    guid: str | None = None
    channel_id: str | None = None

    @property
    def subjects(self) -> str:
        """What has to be read."""
        return keys.events_filter(self.guid)

    def may_hold(self, message: StoredMessage) -> bool:
        """Whether a message may be one, without decoding it."""
        return self.channel_id is None or self.channel_id.encode() in message.payload

    def event(self, message: StoredMessage) -> Event | None:
        """The event of a message; None where it is another's, or of a kind that is not known here."""
        try:
            event = codec.decode_as(Event, message.payload)
        except MalformedRecord:
            return None
        return event if self.channel_id is None or event.channel_id == self.channel_id else None


@dataclass(frozen=True, slots=True)
class EventsRead:
    """What was found."""

    events: tuple[Event, ...]
    """In order of time."""
    left_out: int
    """How many older ones of the same span there are."""
    last_sequence: int
    """Of EVENTS, up to which was read: what comes after it is newer."""


async def newest_events(bus: Bus, selection: Selection, *, since: int, limit: int) -> EventsRead:
    """The newest ``limit`` events of what happened at or after ``since`` (ticks since the epoch).

    Waits for NATS however long it takes: bound it where that matters.

    Raises:
        BusUnavailable: NATS did not say in time how far EVENTS goes.
    """
    kept: deque[Event] = deque(maxlen=limit)
    last = await bus.last_sequence(keys.EVENTS_STREAM)
    found, first = 0, None
    while True:
        messages = await bus.fetch(
            keys.EVENTS_STREAM,
            selection.subjects,
            first_sequence=first,
            start_time=since if first is None else None,  # nothing is stored before it happens
            limit=_AT_ONCE,
        )
        for number, message in enumerate(messages):
            if number % _DECODED_AT_ONCE == 0:
                await asyncio.sleep(0)
            event = selection.event(message) if selection.may_hold(message) else None
            if event is not None and event.instant >= since:
                kept.append(event)
                found += 1
        last = max(last, messages[-1].sequence) if messages else last
        if len(messages) < _AT_ONCE:
            break
        first = messages[-1].sequence + 1
    # What was told again after a controller's death may stand behind what is younger.
    events = sorted(kept, key=lambda event: event.instant)
    return EventsRead(tuple(events), found - len(kept), last)


async def following_events(bus: Bus, selection: Selection, *, after: int) -> AsyncGenerator[Event, None]:
    """Events as they are stored, for ever, after the message of sequence ``after``."""
    async with aclosing(bus.messages(keys.EVENTS_STREAM, selection.subjects, start_sequence=after + 1)) as messages:
        async for message in messages:
            event = selection.event(message) if selection.may_hold(message) else None
            if event is not None:
                yield event

"""All channels in one line each, kept current while somebody looks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Final

from understudy_controller.console.feed import (
    KEEP_ALIVE_SECONDS,
    STILL_HERE,
    Hearing,
    Pages,
    ended,
    event,
    tell_failures,
)
from understudy_domain import codec, keys
from understudy_domain.board import Board, ChannelLine, EndpointLine, Severity
from understudy_domain.entry import ActiveInput
from understudy_domain.errors import MalformedRecord
from understudy_domain.event import Event
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigChange, ConfigStore
from understudy_runtime.errors import LogTruncated
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue
from understudy_runtime.ordered import OrderedReader

_log = logging.getLogger(__name__)

_TURN_SECONDS: Final = 0.25
"""How often what has changed is sent: a quarter of what the eye forgives."""
_AGE_SECONDS: Final = 10.0
"""How often lines are looked at again that time alone makes better."""
_LINGER_SECONDS: Final = 30.0
"""How long it is kept current after the last page was closed: people go to a channel and come back."""
_LINES_AT_ONCE: Final = 50
"""Whoever decides in the same process is not kept waiting for longer than a few milliseconds."""


class Overview:
    """The lines of all channels; runs from the first page until a while after the last."""

    def __init__(self, bus: Bus, store: ConfigStore) -> None:
        self._bus = bus
        self._store = store
        self._pages = Pages()
        self._board = Board()
        self._active: dict[str, ActiveInput] = {}
        self._lines: dict[str, dict[str, Any]] = {}
        """By channel guid, as sent."""
        self._changed: set[str] = set()
        self._running: asyncio.Task[None] | None = None
        self._is_closed = False
        self._is_unheard = False
        self._waiting = 0
        """Pages that are open and have been sent nothing yet."""
        self._is_current = asyncio.Event()
        """All that stood in EVENTS has been read, and its lines are made; or there will be none."""
        self._reader: OrderedReader | None = None
        store.on_change(self._configured)

    def close_pages(self) -> None:
        """Take leave of all pages, and of those that come yet: they ask again elsewhere."""
        self._is_closed = True
        self._pages.close()
        self._is_current.set()

    async def stop(self) -> None:
        """Close all pages, and follow no more."""
        self.close_pages()
        await ended(self._running)

    async def events(self) -> AsyncGenerator[bytes, None]:
        """A page's server-sent events: ``lines`` with all, then ``lines`` with what has changed and what is gone.

        And ``heard``: whether EVENTS is read at all.
        """
        if self._is_closed:
            return
        if self._running is not None and self._pages.is_closed:
            await asyncio.wait([self._running])  # it is ending
        if self._running is None or self._running.done():
            # Of this run: pages of one before were closed with it.
            self._pages, self._is_current, self._reader = Pages(), asyncio.Event(), None
            self._running = asyncio.create_task(self._run(self._pages, self._is_current), name="console overview")
        pages, is_current = self._pages, self._is_current
        self._waiting += 1
        try:
            while not is_current.is_set():
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        await is_current.wait()
                except TimeoutError:
                    yield STILL_HERE  # NATS may be away: who waits is told no lines, and not that there are none
        finally:
            self._waiting -= 1
        lines = {"all": True, "now": _now(), "lines": list(self._lines.values()), "gone": []}
        first = event("lines", lines) + self._heard()
        async with aclosing(pages.page(first)) as page:
            async for message in page:
                yield message

    # --- following ----------------------------------------------------------------------------------------------------

    async def _run(self, pages: Pages, is_current: asyncio.Event) -> None:
        self._board, self._active, self._lines = Board(), {}, {}
        self._is_unheard = False
        self._changed = {one.value.guid for one in self._store.channels.values()}
        followers = [
            asyncio.create_task(self._follow_events(), name="console events"),
            asyncio.create_task(self._follow_active(), name="console active inputs"),
        ]
        turns = asyncio.create_task(self._send_turns(followers), name="console turns")
        try:
            await asyncio.wait([turns])
        finally:
            # First, in one turn of the loop: nobody stays with lines that are kept current no more.
            pages.close()
            is_current.set()
            tell_failures([turns, *followers], of="the overview")
            for task in (turns, *followers):
                await ended(task)

    async def _send_turns(self, followers: Sequence[asyncio.Task[None]]) -> None:
        alone_since: float | None = None
        aged_at = clock.monotonic()
        hearing = Hearing()
        while not any(task.done() for task in followers):
            await self._send_changes()
            hearing.note(is_current=self._reader is not None and self._reader.is_current)
            if hearing.is_lost != self._is_unheard:
                self._is_unheard = hearing.is_lost
                self._pages.send(self._heard())
            if self._reader is not None and self._reader.is_current and not self._changed:
                self._is_current.set()
            now = clock.monotonic()
            if now - aged_at > _AGE_SECONDS:
                aged_at = now
                self._changed |= {guid for guid, line in self._lines.items() if line["severity"] != Severity.WELL}
            alone_since = None if len(self._pages) or self._waiting else alone_since or now
            if alone_since is not None and now - alone_since > _LINGER_SECONDS:
                return
            await asyncio.sleep(_TURN_SECONDS)

    def _heard(self) -> bytes:
        return event("heard", {"unheard": self._is_unheard})

    async def _send_changes(self) -> None:
        changed, self._changed = self._changed, set()
        lines, gone = [], []
        for number, guid in enumerate(changed):
            if number % _LINES_AT_ONCE == _LINES_AT_ONCE - 1:
                await asyncio.sleep(0)
            line = self._line(guid)
            if line is None:
                if self._lines.pop(guid, None) is not None:
                    gone.append(guid)
                continue
            if line != self._lines.get(guid):
                self._lines[guid] = line
                lines.append(line)
        if lines or gone:
            self._pages.send(event("lines", {"all": False, "now": _now(), "lines": lines, "gone": gone}))

    def _line(self, guid: str) -> dict[str, Any] | None:
        channel = self._store.channel_by_guid(guid)
        if channel is None:
            self._board.forget(guid)
            return None
        endpoints = sorted((one.value.id, one.value.guid) for one in self._store.origin_endpoints_of(guid))
        named = [(endpoint_guid, endpoint_id) for endpoint_id, endpoint_guid in endpoints]
        line = self._board.line(guid, channel.value.id, named, self._active, now=clock.now_ticks())
        return {"guid": guid, "description": channel.value.description, **_plain(line)}

    def _configured(self, change: ConfigChange) -> None:
        for one in (change.before, change.after):
            if one is not None:
                resource = one.value
                self._changed.add(getattr(resource, "channel_guid", resource.guid))

    async def _follow_events(self) -> None:
        while True:
            self._reader = self._bus.reader(keys.EVENTS_STREAM, keys.events_filter(), from_last=True)
            with contextlib.suppress(LogTruncated):
                async with aclosing(self._reader.batches()) as batches:
                    async for batch in batches:
                        for told in _events(message.payload for message in batch):
                            self._board.apply(told)
                            self._changed.add(told.channel)
                        await asyncio.sleep(0)

    async def _follow_active(self) -> None:
        bucket = KeyValue(self._bus, keys.ACTIVE_INPUT_BUCKET)
        async with aclosing(bucket.watch()) as entries:
            async for entry in entries:
                if entry.value is None:
                    self._active.pop(entry.key, None)
                    continue
                try:
                    active = codec.decode_as(ActiveInput, entry.value)
                except MalformedRecord:
                    continue
                self._active[entry.key] = active
                endpoint = self._store.origin_endpoints.get(active.origin_endpoint)
                if endpoint is not None:
                    self._changed.add(endpoint.value.channel_guid)


def _events(payloads: Iterable[bytes]) -> Iterable[Event]:
    for payload in payloads:
        try:
            yield codec.decode_as(Event, payload)
        except MalformedRecord:
            continue  # a newer release's: counted where it is read for itself


def _now() -> float:
    return _seconds(clock.now_ticks())


def _seconds(instant: int) -> float:
    """Seconds since the epoch, to the millisecond."""
    return round(instant / TICKS_PER_SECOND, 3)


def _plain(line: ChannelLine) -> dict[str, Any]:
    """As the page takes it: instants in seconds since the epoch."""
    return {
        "id": line.id,
        "severity": int(line.severity),
        "state": line.severity.name.lower(),
        "words": line.words,
        "since": None if line.since is None else _seconds(line.since),
        "grade": None if line.grade is None else line.grade.value,
        "inputs": [{"input": one.input, "lost": one.lost_since is not None, "ended": one.ended} for one in line.inputs],
        "endpoints": [_endpoint(one) for one in line.endpoints],
    }


def _endpoint(one: EndpointLine) -> dict[str, Any]:
    return {
        "id": one.id,
        "active": one.active_input,
        "held": one.held_since is not None,
        "seen": one.seen_at is not None,
        "moved": one.moved_at is not None,
        "repaired": one.repaired_at is not None,
        "over": one.over,
    }

"""A channel's strip, kept current while somebody looks: one copy of the channel's fold for all pages that do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from understudy_controller.api.folds import Folds
from understudy_controller.console.feed import Pages, ended, event
from understudy_controller.console.marks import KEPT, Marks
from understudy_domain import keys
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigChange, ConfigStore
from understudy_runtime.errors import LogTruncated
from understudy_runtime.jetstream import Bus

_TURN_SECONDS: Final = 0.2
_STATUS_TURNS: Final = 5
"""Every so many turns the status is sent: once a second."""
_LINGER_SECONDS: Final = 30.0
"""How long it is kept current after the last page was closed."""
_FACTS_AT_ONCE: Final = 20
"""Each takes the tenth of a millisecond, and decisions are made in the same process."""


class StripFollower:
    """One channel."""

    def __init__(
        self, bus: Bus, folds: Folds, channel: Channel, endpoints: Sequence[OriginEndpoint], *, shards: int
    ) -> None:
        self.endpoints = list(endpoints)
        self._bus = bus
        self._folds = folds
        self._channel = channel
        self._shard = keys.shard_of(channel.guid, shards=shards)
        self._pages = Pages()
        self._running: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[Marks] = asyncio.get_running_loop().create_future()

    @property
    def is_over(self) -> bool:
        """Nobody has looked for a while, or the channel's log cannot be followed."""
        return self._running is not None and self._running.done()

    def close_pages(self) -> None:
        """Take leave of its pages, and of those that come yet: they ask again."""
        self._pages.close()

    async def stop(self) -> None:
        """Close its pages, and follow no more."""
        self.close_pages()
        await ended(self._running)

    async def events(self) -> AsyncGenerator[bytes, None]:
        """A page's server-sent events: ``strip`` with all there is, then ``more``, and ``status`` once a second.

        Raises:
            BusUnavailable: NATS does not answer.
        """
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name=f"console strip {self._channel.id}")
        marks = await asyncio.shield(self._opened)
        first = event("strip", marks.all()) + event("status", marks.status(now=clock.now_ticks()))
        async with aclosing(self._pages.page(first)) as page:
            async for message in page:
                yield message

    # --- following ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            marks = await self._open()
        except Exception as err:
            self._opened.set_exception(err)
            raise
        self._opened.set_result(marks)
        followers = [
            asyncio.create_task(self._follow_arrivals(marks), name="console arrivals"),
            asyncio.create_task(self._follow_program(marks), name="console program"),
        ]
        try:
            await self._send_turns(marks, followers)
        finally:
            self._pages.close()
            for task in followers:
                await ended(task)

    async def _open(self) -> Marks:
        """Begin with a copy: what the decisions rest on is nobody's to take further."""
        marks = Marks(await self._folds.copy(self._channel.guid, self.endpoints), self._channel, self.endpoints)
        for endpoint in self.endpoints:
            subject = keys.program_subject(self._shard, endpoint.guid)
            begin = clock.now_ticks() - KEPT
            for message in await self._bus.fetch(keys.PROGRAM_STREAM, subject, start_time=begin):
                marks.take_entry(message)
        marks.take_unsent()
        return marks

    async def _send_turns(self, marks: Marks, followers: Sequence[asyncio.Task[None]]) -> None:
        alone_since: float | None = None
        turn = 0
        while not any(task.done() for task in followers):
            await asyncio.sleep(_TURN_SECONDS)
            turn += 1
            unsent = marks.take_unsent()
            if unsent:
                self._pages.send(event("more", {"marks": unsent}))
            if turn % _STATUS_TURNS == 0 and len(self._pages):
                now = clock.now_ticks()
                self._pages.send(event("status", marks.status(now=now)))
                marks.forget_before(now - KEPT)
            now_seconds = clock.monotonic()
            alone_since = None if len(self._pages) else alone_since or now_seconds
            if alone_since is not None and now_seconds - alone_since > _LINGER_SECONDS:
                return

    async def _follow_arrivals(self, marks: Marks) -> None:
        inputs = (keys.arrivals_subject(self._shard, self._channel.guid, input_id) for input_id in keys.INPUTS)
        subjects = [*inputs, keys.command_subject(self._shard, self._channel.guid), keys.clock_subject(self._shard)]
        reader = self._bus.reader(keys.ARRIVALS_STREAM, subjects, start_sequence=marks.sequence + 1)
        try:
            async with aclosing(reader.batches()) as batches:
                async for batch in batches:
                    for number, message in enumerate(batch):
                        marks.take_arrival(message)
                        if number % _FACTS_AT_ONCE == _FACTS_AT_ONCE - 1:
                            await asyncio.sleep(0)
        except LogTruncated:
            return  # NATS was set up anew: the pages ask again

    async def _follow_program(self, marks: Marks) -> None:
        subjects = [keys.program_subject(self._shard, one.guid) for one in self.endpoints]
        if not subjects:
            await asyncio.Event().wait()
        begin = clock.now_ticks() - 10 * TICKS_PER_SECOND
        try:
            async with aclosing(self._bus.messages(keys.PROGRAM_STREAM, subjects, start_time=begin)) as messages:
                async for message in messages:
                    marks.take_entry(message)
        except LogTruncated:
            return


class Strips:
    """The strips that somebody looks at."""

    def __init__(self, bus: Bus, store: ConfigStore, folds: Folds, *, shards: int) -> None:
        self._bus = bus
        self._store = store
        self._folds = folds
        self._shards = shards
        self._followers: dict[str, StripFollower] = {}
        store.on_change(self._configured)

    def _configured(self, change: ConfigChange) -> None:
        """Pages of a channel whose endpoints are others now ask again, and get a strip that has these."""
        for one in (change.before, change.after):
            guid = getattr(one.value, "channel_guid", one.value.guid) if one is not None else ""
            found = self._followers.get(guid)
            if found is not None and found.endpoints != self._endpoints_of(guid):
                found.close_pages()

    def _endpoints_of(self, channel_guid: str) -> list[OriginEndpoint]:
        return sorted((one.value for one in self._store.origin_endpoints_of(channel_guid)), key=_by_delay)

    async def of(self, channel: Channel) -> StripFollower:
        """The strip of a channel, with the endpoints that it has now."""
        endpoints = self._endpoints_of(channel.guid)
        found = self._followers.get(channel.guid)
        if found is not None and not found.is_over and found.endpoints == endpoints:
            return found
        if found is not None:
            await found.stop()
        self._followers = {guid: one for guid, one in self._followers.items() if not one.is_over}
        found = StripFollower(self._bus, self._folds, channel, endpoints, shards=self._shards)
        self._followers[channel.guid] = found
        return found

    def close_pages(self) -> None:
        """Take leave of all pages."""
        for one in self._followers.values():
            one.close_pages()

    async def stop(self) -> None:
        """Close all pages, and follow no more."""
        for one in self._followers.values():
            await one.stop()


def _by_delay(endpoint: OriginEndpoint) -> tuple[int, str]:
    return endpoint.time_delay_seconds, endpoint.id

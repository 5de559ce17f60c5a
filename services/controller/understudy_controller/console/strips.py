"""A channel's strip, kept current while somebody looks: one copy of the channel's fold for all pages that do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from understudy_controller.api.folds import Folds
from understudy_controller.console.feed import Hearing, Pages, ended, event, tell_failures
from understudy_controller.console.marks import KEPT, Marks
from understudy_controller.console.strip_view import seconds
from understudy_domain import keys
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_domain.errors import UnderstudyError
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigChange, ConfigStore
from understudy_runtime.errors import BusUnavailable, LogTruncated
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage
from understudy_runtime.ordered import OrderedReader

_log = logging.getLogger(__name__)

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
        self.channel = channel
        self.endpoints = list(endpoints)
        self._bus = bus
        self._folds = folds
        self._shard = keys.shard_of(channel.guid, shards=shards)
        self._pages = Pages()
        self._running: asyncio.Task[None] | None = None
        self._reader: OrderedReader | None = None
        self._hearing = Hearing()
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

    async def opened(self) -> Marks:
        """Begin to follow, if nobody looked yet; what there is.

        Raises:
            BusUnavailable: NATS does not answer, or another strip has taken the place of this one.
        """
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name=f"console strip {self.channel.id}")
        return await asyncio.shield(self._opened)

    async def events(self) -> AsyncGenerator[bytes, None]:
        """A page's server-sent events: ``strip`` with all there is, then ``more``, and ``status`` once a second.

        Raises:
            BusUnavailable: as ``opened``.
        """
        marks = await self.opened()
        first = event("strip", marks.all()) + self._status(marks, now=clock.now_ticks())
        async with aclosing(self._pages.page(first)) as page:
            async for message in page:
                yield message

    def _status(self, marks: Marks, *, now: int) -> bytes:
        """How it was when the logs were read last: that nothing arrives which nobody reads kills no input."""
        silence = self._hearing.silence_seconds
        status = marks.status(now=now - from_seconds(silence))
        return event("status", {**status, "now": seconds(now), "silence": silence, "unheard": self._hearing.is_lost})

    # --- following ----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        begun_at = clock.now_ticks()
        try:
            marks = await self._open()
        except asyncio.CancelledError:
            self._fail(BusUnavailable("the strip is made anew: ask again"))
            raise
        except Exception as err:  # noqa: BLE001  # whatever it was, whoever waits is told
            self._fail(err)
            return
        self._opened.set_result(marks)
        followers = [
            asyncio.create_task(self._follow_arrivals(marks), name="console arrivals"),
            asyncio.create_task(self._follow_program(marks, since=begun_at), name="console program"),
        ]
        turns = asyncio.create_task(self._send_turns(marks, followers), name="console turns")
        try:
            await asyncio.wait([turns])
        finally:
            self._pages.close()
            tell_failures([turns, *followers], of=f"the strip of channel {self.channel.id}")
            for task in (turns, *followers):
                await ended(task)

    def _fail(self, err: Exception) -> None:
        if not isinstance(err, UnderstudyError):
            _log.error("the strip of channel %s cannot be opened", self.channel.id, exc_info=err)
        self._opened.set_exception(err)
        self._opened.exception()  # seen: the last of those who wait may have gone

    async def _open(self) -> Marks:
        """Begin with a copy: what the decisions rest on is nobody's to take further."""
        marks = Marks(await self._folds.copy(self.channel.guid, self.endpoints), self.channel, self.endpoints)
        stored: list[StoredMessage] = []
        for endpoint in self.endpoints:
            subject = keys.program_subject(self._shard, endpoint.guid)
            begin = clock.now_ticks() - KEPT
            stored += await self._bus.fetch(keys.PROGRAM_STREAM, subject, start_time=begin)
        await asyncio.to_thread(_taken, marks, stored)
        return marks

    async def _send_turns(self, marks: Marks, followers: Sequence[asyncio.Task[None]]) -> None:
        alone_since: float | None = None
        turn = 0
        while not any(task.done() for task in followers):
            await asyncio.sleep(_TURN_SECONDS)
            turn += 1
            self._hearing.note(is_current=self._reader is not None and self._reader.is_current)
            unsent = marks.take_unsent()
            if unsent:
                self._pages.send(event("more", {"marks": unsent}))
            if turn % _STATUS_TURNS == 0 and len(self._pages):
                now = clock.now_ticks()
                self._pages.send(self._status(marks, now=now))
                marks.forget_before(now - KEPT)
            now_seconds = clock.monotonic()
            alone_since = None if len(self._pages) else alone_since or now_seconds
            if alone_since is not None and now_seconds - alone_since > _LINGER_SECONDS:
                return

    async def _follow_arrivals(self, marks: Marks) -> None:
        inputs = (keys.arrivals_subject(self._shard, self.channel.guid, input_id) for input_id in keys.INPUTS)
        subjects = [*inputs, keys.command_subject(self._shard, self.channel.guid), keys.clock_subject(self._shard)]
        self._reader = self._bus.reader(keys.ARRIVALS_STREAM, subjects, start_sequence=marks.sequence + 1)
        try:
            async with aclosing(self._reader.batches()) as batches:
                async for batch in batches:
                    for number, message in enumerate(batch):
                        marks.take_arrival(message)
                        if number % _FACTS_AT_ONCE == _FACTS_AT_ONCE - 1:
                            await asyncio.sleep(0)
        except LogTruncated:
            return  # NATS was set up anew: the pages ask again

    async def _follow_program(self, marks: Marks, *, since: int) -> None:
        subjects = [keys.program_subject(self._shard, one.guid) for one in self.endpoints]
        if not subjects:
            await asyncio.Event().wait()
        begin = since - 10 * TICKS_PER_SECOND
        try:
            async with aclosing(self._bus.messages(keys.PROGRAM_STREAM, subjects, start_time=begin)) as messages:
                async for message in messages:
                    marks.take_entry(message)
        except LogTruncated:
            return


def _taken(marks: Marks, stored: Sequence[StoredMessage]) -> None:
    """Take in what there is. For a thread: an hour's quarter of several endpoints is more than a turn of the loop."""
    for message in stored:
        marks.take_entry(message)
    marks.take_unsent()


class Strips:
    """The strips that somebody looks at."""

    def __init__(self, bus: Bus, store: ConfigStore, folds: Folds, *, shards: int) -> None:
        self._bus = bus
        self._store = store
        self._folds = folds
        self._shards = shards
        self._followers: dict[str, StripFollower] = {}
        self._is_closed = False
        store.on_change(self._configured)

    def _configured(self, change: ConfigChange) -> None:
        """Pages of a channel whose endpoints are others now ask again, and get a strip that has these."""
        for one in (change.before, change.after):
            guid = getattr(one.value, "channel_guid", one.value.guid) if one is not None else ""
            found = self._followers.get(guid)
            if found is not None and not self._is_of(found, guid):
                found.close_pages()

    def _is_of(self, found: StripFollower, channel_guid: str) -> bool:
        """Whether a strip is that of the channel as it is now: its pages show the configuration, passwords too."""
        channel = self._store.channel_by_guid(channel_guid)
        return channel is not None and (found.channel, found.endpoints) == (
            channel.value,
            self._endpoints_of(channel_guid),
        )

    def _endpoints_of(self, channel_guid: str) -> list[OriginEndpoint]:
        return sorted((one.value for one in self._store.origin_endpoints_of(channel_guid)), key=_by_delay)

    async def of(self, channel: Channel) -> StripFollower:
        """The strip of a channel as it is now, with the endpoints that it has."""
        endpoints = self._endpoints_of(channel.guid)
        found = self._followers.get(channel.guid)
        if found is not None and not found.is_over and (found.channel, found.endpoints) == (channel, endpoints):
            return found
        new = StripFollower(self._bus, self._folds, channel, endpoints, shards=self._shards)
        if self._is_closed:
            new.close_pages()
        # Before anything is waited for: who asks meanwhile, as all pages do at once that were closed, gets this one.
        self._followers = {guid: one for guid, one in self._followers.items() if not one.is_over}
        self._followers[channel.guid] = new
        if found is not None:
            await found.stop()
        return new

    def close_pages(self) -> None:
        """Take leave of all pages, and of those that come yet: they ask again elsewhere."""
        self._is_closed = True
        for one in self._followers.values():
            one.close_pages()

    async def stop(self) -> None:
        """Close all pages, and follow no more."""
        for one in self._followers.values():
            await one.stop()


def _by_delay(endpoint: OriginEndpoint) -> tuple[int, str]:
    return endpoint.time_delay_seconds, endpoint.id

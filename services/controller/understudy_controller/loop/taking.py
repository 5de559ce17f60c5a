"""Taking shards up: what stands of each is loaded, its log replayed, and its channels decided for from there on.

A thousand channels take a controller seconds of work. So shards are taken up one after the other: a channel is decided
for as soon as its own shard has been replayed, and has less to replay the earlier its turn comes. What takes long to
read and is there already, the snapshots, is read while a lease that nobody renews is still running out.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from understudy_controller.loop.channels import Channels
from understudy_controller.loop.reading import Reading
from understudy_controller.loop.retelling import tell_again, untold_since
from understudy_controller.loop.shard import Shard
from understudy_controller.loop.snapshots import Loaded, Snapshots
from understudy_controller.loop.standing import standing_of
from understudy_controller.loop.tasks import Tasks
from understudy_controller.loop.telling import Telling
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.jetstream import Bus

_log = logging.getLogger(__name__)

_AT_ONCE = 2
"""While one waits for an answer another one is replayed; more would only keep the first channels waiting."""
_RETRY_SECONDS = 0.5
_AGAIN_SECONDS = 10.0
"""How long nothing is read ahead of a shard again whose lease was renewed after all."""

IsOwned = Callable[[Shard], bool]
"""Whether a shard that was taken is still to be decided for."""


@dataclass(slots=True)
class _Ahead:
    """What was read of a shard before it was taken."""

    reading: asyncio.Task[None] | None = None
    has_begun: bool = False
    loaded: Loaded | None = None


class Taking:
    """Takes up shards for this process."""

    def __init__(
        self,
        bus: Bus,
        store: ConfigStore,
        channels: Channels,
        telling: Telling,
        reading: Reading,
        snapshots: Snapshots,
        tasks: Tasks,
        *,
        shards: int,
    ) -> None:
        """``shards``: how many there are."""
        self._bus = bus
        self._store = store
        self._channels = channels
        self._telling = telling
        self._reading = reading
        self._snapshots = snapshots
        self._tasks = tasks
        self._count = shards
        self._ahead: dict[int, _Ahead] = {}
        self._in_vain: dict[int, float] = {}
        """By shard, when something was read ahead that was of no use."""
        self._limit = asyncio.Semaphore(_AT_ONCE)

    # --- before it is known whether -----------------------------------------------------------------------------------

    def expect(self, shards: Collection[int]) -> None:
        """Read ahead of these, and forget what was read ahead of any others; returns at once."""
        now = clock.monotonic()
        for number in self._ahead.keys() - set(shards):
            self._in_vain[number] = now
            if (reading := self._ahead.pop(number).reading) is not None:
                reading.cancel()
        for number in shards:
            if number not in self._ahead and now - self._in_vain.get(number, -_AGAIN_SECONDS) >= _AGAIN_SECONDS:
                ahead = self._ahead[number] = _Ahead()
                ahead.reading = self._tasks.start(self._read_ahead(number, ahead))

    async def _read_ahead(self, number: int, ahead: _Ahead) -> None:
        async with self._limit:
            ahead.has_begun = True
            try:
                ahead.loaded = await self._snapshots.load(self._channels_of(number), shard=number)
            except BusUnavailable as err:
                _log.info("cannot read ahead: %s", err)

    # --- they come ----------------------------------------------------------------------------------------------------

    async def take(self, shards: Sequence[Shard], *, is_owned: IsOwned) -> None:
        """Take up shards, those first of which the most is known; returns when all of them are replayed."""
        begun = clock.monotonic()
        ahead = {shard: self._ahead.pop(shard.number) for shard in shards if shard.number in self._ahead}
        for one in ahead.values():
            if one.reading is not None and not one.has_begun:
                one.reading.cancel()
        waiting = deque(sorted(shards, key=lambda shard: shard not in ahead or ahead[shard].loaded is None))
        untold: list[tuple[Shard, int]] = []

        async def work() -> None:
            while waiting:
                shard = waiting.popleft()
                begin = await self._take_up(shard, ahead.pop(shard, _Ahead()), is_owned)
                if begin is not None:
                    untold.append((shard, begin))

        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
        _log.info(
            "decisions resume for %d shards, after %.1f s",
            len(shards),
            clock.monotonic() - begun,
            extra={"channels": len(self._channels), "shards": [shard.number for shard in shards]},
        )
        for shard, begin in untold:
            # A predecessor may have died between an entry and the telling of it. Decisions do not wait for this.
            if is_owned(shard):
                await tell_again(self._bus, shard=shard.number, begin=begin, tell=self._telling.appended_before)

    async def _take_up(self, shard: Shard, ahead: _Ahead, is_owned: IsOwned) -> int | None:
        """Go on from what stands; returns when it is replayed: from when on entries may not have been told of."""
        if ahead.reading is not None:
            await asyncio.wait((ahead.reading,))
        while is_owned(shard):
            try:
                await self._store.ensure_current()
                channels = self._channels_of(shard.number)
                snapshots = await self._snapshots.load(channels, shard=shard.number, onto=ahead.loaded)
                endpoints = [one.value for one in self._store.origin_endpoints.values()]
                mine = [one for one in endpoints if self._channels.shard_of(one.channel_guid) == shard.number]
                standing = await standing_of(self._bus, mine, shards=self._count)
            except BusUnavailable as err:
                _log.warning("cannot load what stands, trying again: %s", err)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                break
        if not is_owned(shard):
            return None
        self._channels.open_shard(shard.number, snapshots.states, standing)
        begin = untold_since(standing, snapshots.states)
        shard.position = snapshots.position
        shard.reading = self._tasks.start(self._reading.read(shard))
        await shard.replayed.wait()
        return begin

    def _channels_of(self, number: int) -> list[str]:
        guids = (one.value.guid for one in self._store.channels.values())
        return [guid for guid in guids if self._channels.shard_of(guid) == number]

"""The shards that this process owns: taken up from what stands, read, settled and dropped, as the leases say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence

from understudy_controller.loop.channels import Channels
from understudy_controller.loop.metrics import LoopMetrics
from understudy_controller.loop.shard import Shard
from understudy_controller.loop.snapshots import Checkpoint, Snapshots
from understudy_controller.loop.taking import Taking
from understudy_controller.loop.tasks import Tasks

_DRAIN_SECONDS = 2.0
_RETRY_SECONDS = 0.5


class Shards:
    """What owning a shard means (``leases.ShardOwner``)."""

    def __init__(
        self,
        channels: Channels,
        taking: Taking,
        snapshots: Snapshots,
        metrics: LoopMetrics,
        tasks: Tasks,
        *,
        holds: Callable[[int], bool],
    ) -> None:
        """``holds``: whether a shard is this process's."""
        self._channels = channels
        self._taking = taking
        self._snapshots = snapshots
        self._metrics = metrics
        self._tasks = tasks
        self._holds = holds
        self._owned: dict[int, Shard] = {}

    @property
    def owned(self) -> frozenset[int]:
        """Those that this process decides for, or is about to."""
        return frozenset(self._owned)

    def current(self, number: int) -> Shard | None:
        """A shard that this process decides for, that is read to its end, and that it is not about to give back."""
        shard = self._owned.get(number)
        return shard if shard is not None and shard.caught_up and not shard.leaving else None

    def have_caught_up(self, held: Collection[int]) -> bool:
        """Whether all that a lease is held for are read to their end; one that is only just taken up is not."""
        return self._owned.keys() >= set(held) and all(shard.caught_up for shard in self._owned.values())

    # --- they come ----------------------------------------------------------------------------------------------------

    def expect(self, shards: Iterable[int]) -> None:
        """These may be this process's in a moment; what is not named any more, is not."""
        self._taking.expect([number for number in shards if number not in self._owned])

    def take(self, shards: Sequence[int]) -> None:
        """Decide for these from now on: load what stands, then read; returns at once."""
        taken = {number: Shard(number) for number in shards}
        self._owned.update(taken)
        self._metrics.shards.set(len(self._owned))
        self._tasks.start(self._taking.take(list(taken.values()), is_owned=self._is_owned))

    def _is_owned(self, shard: Shard) -> bool:
        """Whether it still is, and not taken anew meanwhile."""
        return self._owned.get(shard.number) is shard and not shard.leaving

    # --- they go ------------------------------------------------------------------------------------------------------

    def drop(self, shards: Collection[int]) -> None:
        """Forget all about these, at once."""
        for number in shards:
            shard = self._owned.pop(number, None)
            if shard is None:
                continue
            shard.leave()
            if shard.reading is not None:
                shard.reading.cancel()
        self._metrics.shards.set(len(self._owned))
        self._channels.forget(shards)

    async def settle(self, shards: Collection[int]) -> None:
        """Decide nothing more for these; let what is decided come to stand, and leave snapshots for a successor."""
        for number in shards:
            shard = self._owned.get(number)
            if shard is not None:
                await shard.stop_reading()
        await self._channels.appender.drain(shards, seconds=_DRAIN_SECONDS)
        await self._channels.events.drain(seconds=_DRAIN_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._snapshots.save(self._checkpoint(shards))

    def give_way(self, number: int) -> None:
        """Another controller decides for a channel of this shard, or did until now: step down for it.

        Where the lease is this process's own all the same, it takes the shard up again, from what stands.
        """
        self._metrics.superseded.inc()
        if number in self._owned:
            self.drop([number])
            self._tasks.start(self._take_again(number))

    async def _take_again(self, number: int) -> None:
        await asyncio.sleep(_RETRY_SECONDS / 2)  # not at once, for a quarrel must not become a storm
        if self._holds(number) and number not in self._owned:
            self.take([number])

    # --- what they leave ----------------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """What is to be saved: every channel, and how far each shard's log is contained in its channels."""
        return self._checkpoint(self._owned)

    def _checkpoint(self, shards: Collection[int]) -> Checkpoint:
        owned = {number: self._owned[number] for number in shards if number in self._owned}
        held_back = self._channels.held_back_shards()
        positions = {
            number: shard.position if shard.caught_up and number not in held_back else 0
            for number, shard in owned.items()
        }
        return Checkpoint(
            positions,
            self._channels.with_state(owned),
            self._channels.settled_state,
            lambda number: self._owned.get(number) is owned[number],
            self._channels.facts,
        )

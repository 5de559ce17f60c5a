"""Leases in a real nats-server: a replica knows which shards it is about to get, before a dead one's run out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from math import inf

from support.deadline import comes_true
from understudy_controller.loop.leases import Leases
from understudy_runtime import clock, jetstream
from understudy_runtime.jetstream import Bus
from understudy_runtime.settings import CommonSettings

SHARDS = 4


@dataclass
class Owner:
    """Notes what it is told."""

    expected: dict[int, float] = field(default_factory=dict)
    """By shard, when it was expected first."""
    taken: dict[int, float] = field(default_factory=dict)
    told: list[Sequence[int]] = field(default_factory=list)

    def expect(self, shards: Sequence[int]) -> None:
        self.told.append(shards)
        for shard in shards:
            self.expected.setdefault(shard, clock.monotonic())

    def take(self, shards: Sequence[int]) -> None:
        self.taken |= dict.fromkeys(shards, clock.monotonic())

    def drop(self, shards: Collection[int]) -> None:
        for shard in shards:
            self.taken.pop(shard, None)

    async def settle(self, shards: Collection[int]) -> None:
        """Nothing waits."""


@contextlib.asynccontextmanager
async def replica(bus: Bus, owner: Owner) -> AsyncIterator[asyncio.Task[None]]:
    """A replica that is dead when its task is cancelled."""

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for part in Leases(bus, owner, shards=SHARDS, on_lost=lambda count: None).parts():
                group.create_task(part)

    task = asyncio.create_task(run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(look: Callable[[], bool], what: str) -> None:
    await comes_true(lambda: asyncio.to_thread(look), what)


async def test_shards_of_a_dead_replica_are_expected_before_they_can_be_taken(nats_settings: CommonSettings) -> None:
    bus = await jetstream.connect(nats_settings, name="test")
    try:
        await bus.ensure_streams()
        first, second = Owner(), Owner()
        async with replica(bus, first) as doomed, replica(bus, second):
            await until(lambda: len(first.taken) == len(second.taken) == SHARDS // 2, "they have half each")
            orphans = set(first.taken)
            second.expected.clear()
            doomed.cancel()
            await until(lambda: len(second.taken) == SHARDS, "the other one has all")
            await until(lambda: not second.told[-1], "what is its own is not expected any more")
        ahead = [second.taken[shard] - second.expected.get(shard, inf) for shard in orphans]
        assert min(ahead) > 0.2, f"seconds before: {ahead}"
    finally:
        await bus.close()

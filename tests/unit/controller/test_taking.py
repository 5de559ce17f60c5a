"""Shards are taken up one after the other, and what was read of them ahead is made use of."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from understudy_controller.loop.shard import Shard
from understudy_controller.loop.snapshots import Loaded
from understudy_controller.loop.taking import Taking
from understudy_controller.loop.tasks import Tasks

SHARDS = 6
NOTHING = Loaded({}, 0, frozenset(), 7)


@dataclass
class World:
    """Stands for all that taking up a shard asks; shards are replayed when they are told to be."""

    loaded: list[tuple[int, Loaded | None]] = field(default_factory=list)
    """By shard, and onto what."""
    replaying: list[Shard] = field(default_factory=list)
    may_load: asyncio.Event = field(default_factory=asyncio.Event)
    channels: dict[str, Any] = field(default_factory=dict)
    origin_endpoints: dict[str, Any] = field(default_factory=dict)

    async def ensure_current(self) -> None:
        """It is."""

    def __len__(self) -> int:
        return 0

    async def load(self, channels: Collection[str], *, shard: int, onto: Loaded | None = None) -> Loaded:
        await self.may_load.wait()
        self.loaded.append((shard, onto))
        return NOTHING

    def open_shard(self, number: int, states: object, standing: object) -> None:
        """There is nothing to open."""

    async def read(self, shard: Shard) -> None:
        self.replaying.append(shard)
        await shard.replayed.wait()

    def taking(self, tasks: Tasks) -> Taking:
        own = cast(Any, self)
        return Taking(own, own, own, own, own, own, tasks, shards=SHARDS)


@pytest.fixture
def world() -> World:
    made = World()
    made.may_load.set()
    return made


async def settled() -> None:
    """Until nothing goes on any more by itself."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_two_are_taken_up_at_a_time_and_the_next_when_one_of_them_is_replayed(world: World) -> None:
    tasks = Tasks("test")
    shards = [Shard(number) for number in range(SHARDS)]
    taking = tasks.start(world.taking(tasks).take(shards, is_owned=lambda shard: not shard.leaving))
    for replayed in range(SHARDS):
        await settled()
        assert len(world.replaying) == min(replayed + 2, SHARDS)
        world.replaying[replayed].replayed.set()
    await taking
    await tasks.end()


async def test_one_that_is_lost_meanwhile_keeps_no_other_from_its_turn(world: World) -> None:
    tasks = Tasks("test")
    shards = [Shard(number) for number in range(SHARDS)]
    taking = tasks.start(world.taking(tasks).take(shards, is_owned=lambda shard: not shard.leaving))
    await settled()
    for shard in shards:
        shard.leave()
    await taking
    assert len(world.replaying) == 2
    await tasks.end()


async def test_what_was_read_ahead_is_gone_on_from_and_read_first(world: World) -> None:
    tasks = Tasks("test")
    taking = world.taking(tasks)
    taking.expect([4])
    await settled()
    assert world.loaded == [(4, None)]
    taking.expect([4])
    shards = [Shard(number) for number in range(SHARDS)]
    task = tasks.start(taking.take(shards, is_owned=lambda shard: not shard.leaving))
    await settled()
    assert (4, NOTHING) in world.loaded
    assert 4 in [shard.number for shard in world.replaying]
    for shard in shards:
        shard.replayed.set()
    await task
    await tasks.end()


async def test_what_is_expected_no_more_is_forgotten_and_not_read_ahead_at_once_again(world: World) -> None:
    tasks = Tasks("test")
    taking = world.taking(tasks)
    for expected in ([2], [], [2]):
        taking.expect(expected)
        await settled()
    assert world.loaded == [(2, None)]
    shard = Shard(2)
    task = tasks.start(taking.take([shard], is_owned=lambda shard: not shard.leaving))
    await settled()
    assert world.loaded == [(2, None), (2, None)], "as it stands now"
    shard.replayed.set()
    await task
    await tasks.end()


async def test_who_takes_does_not_wait_for_what_is_only_about_to_be_read_ahead(world: World) -> None:
    tasks = Tasks("test")
    taking = world.taking(tasks)
    world.may_load.clear()
    taking.expect(range(SHARDS))
    await settled()
    shards = [Shard(number) for number in range(SHARDS)]
    task = tasks.start(taking.take(shards, is_owned=lambda shard: not shard.leaving))
    world.may_load.set()
    for shard in shards:
        await settled()
        shard.replayed.set()
    await task
    assert sum(onto is None for _, onto in world.loaded) == SHARDS, "each is read whole once"
    await tasks.end()

"""Snapshots in a real nats-server: what a successor finds of channels that decide without a pause."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from understudy_controller.loop.snapshots import Checkpoint, Loaded, Snapshots
from understudy_domain.channel_state import ChannelState
from understudy_runtime import jetstream
from understudy_runtime.jetstream import Bus
from understudy_runtime.settings import CommonSettings

SHARD = 3
CHANNELS = ["a" * 32, "b" * 32]
LOOKS = 30


@pytest.fixture
async def bus(nats_settings: CommonSettings) -> AsyncIterator[Bus]:
    opened = await jetstream.connect(nats_settings, name="test")
    await opened.ensure_streams()
    yield opened
    await opened.close()


@dataclass
class Deciding:
    """Channels whose states are at a sequence of the log, and may be asked for only now and then."""

    sequence: int = 100
    refusals: int = 0
    """How often a state is refused before it is given, for each asking that succeeds."""
    current: bool = True
    _refused: dict[str, int] = field(default_factory=dict)

    def checkpoint(self) -> Checkpoint:
        return Checkpoint({SHARD: self.sequence}, {SHARD: CHANNELS}, self._state, lambda _: self.current)

    def _state(self, guid: str) -> ChannelState | None:
        if self._refused.get(guid, 0) < self.refusals:
            self._refused[guid] = self._refused.get(guid, 0) + 1
            return None
        return ChannelState(guid, sequence=self.sequence)


async def load(bus: Bus) -> Loaded:
    return await Snapshots(bus).load(dict.fromkeys(CHANNELS, SHARD), shards=[SHARD])


@contextlib.asynccontextmanager
async def renewing(bus: Bus, checkpoint: Callable[[], Checkpoint]) -> AsyncIterator[None]:
    task = asyncio.create_task(Snapshots(bus).run(checkpoint))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_decision_that_is_just_being_appended_does_not_keep_a_shards_position_back(bus: Bus) -> None:
    async with renewing(bus, Deciding(refusals=5).checkpoint):
        for _ in range(LOOKS):
            found = await load(bus)
            if found.positions[SHARD]:
                break
            await asyncio.sleep(1.0)
    assert found.positions == {SHARD: 100}
    assert {guid: state.sequence for guid, state in found.states.items()} == dict.fromkeys(CHANNELS, 100)


async def test_a_shard_that_was_dropped_meanwhile_has_no_position_written(bus: Bus) -> None:
    """Taken anew, its channels begin from older states than the position was said of."""
    await Snapshots(bus).save(Deciding(current=False).checkpoint())
    found = await load(bus)
    assert found.positions == {SHARD: 0}
    assert sorted(found.states) == CHANNELS


async def test_a_position_never_moves_back(bus: Bus) -> None:
    await Snapshots(bus).save(Deciding(sequence=200).checkpoint())
    await Snapshots(bus).save(Deciding(sequence=100).checkpoint())
    assert (await load(bus)).positions == {SHARD: 200}

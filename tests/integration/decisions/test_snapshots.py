"""Snapshots in a real nats-server: what a successor finds of channels that decide without a pause."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import pytest

from understudy_controller.loop.snapshots import Checkpoint, Loaded, Snapshots
from understudy_domain.channel_state import ChannelState
from understudy_domain.keys import SNAPSHOTS_BUCKET, channel_snapshot_key
from understudy_runtime import jetstream
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue
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
    return await Snapshots(bus).load(CHANNELS, shard=SHARD)


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
            if found.position:
                break
            await asyncio.sleep(1.0)
    assert found.position == 100
    assert {guid: state.sequence for guid, state in found.states.items()} == dict.fromkeys(CHANNELS, 100)


async def test_a_shard_that_was_dropped_meanwhile_has_no_position_written(bus: Bus) -> None:
    """Taken anew, its channels begin from older states than the position was said of."""
    await Snapshots(bus).save(Deciding(current=False).checkpoint())
    found = await load(bus)
    assert found.position == 0
    assert sorted(found.states) == CHANNELS


async def test_a_position_never_moves_back(bus: Bus) -> None:
    await Snapshots(bus).save(Deciding(sequence=200).checkpoint())
    await Snapshots(bus).save(Deciding(sequence=100).checkpoint())
    assert (await load(bus)).position == 200


async def test_what_was_written_since_a_shard_was_read_ahead_takes_the_place_of_what_was_read(bus: Bus) -> None:
    snapshots, first, second = Snapshots(bus), *CHANNELS
    await snapshots.save(Deciding(sequence=100).checkpoint())
    ahead = await Snapshots(bus).load(CHANNELS, shard=SHARD)
    later = Deciding(sequence=200).checkpoint()
    await snapshots.save(replace(later, channels={SHARD: [second]}))
    found = await Snapshots(bus).load(CHANNELS, shard=SHARD, onto=ahead)
    assert (found.position, {guid: state.sequence for guid, state in found.states.items()}) == (
        200,
        {first: 100, second: 200},
    )
    assert found.states[first] is ahead.states[first], "it is not read again"


async def test_a_shard_is_read_from_its_beginning_until_a_snapshot_that_does_not_parse_is_replaced(bus: Bus) -> None:
    snapshots, damaged = Snapshots(bus), CHANNELS[0]
    await snapshots.save(Deciding(sequence=100).checkpoint())
    await KeyValue(bus, SNAPSHOTS_BUCKET).put(channel_snapshot_key(damaged), b"{")
    ahead = await Snapshots(bus).load(CHANNELS, shard=SHARD)
    assert ahead.position == 0
    assert (await Snapshots(bus).load(CHANNELS, shard=SHARD, onto=ahead)).position == 0
    await Snapshots(bus).save(Deciding(sequence=200).checkpoint())
    assert (await Snapshots(bus).load(CHANNELS, shard=SHARD, onto=ahead)).position == 200


async def test_a_channel_whose_decisions_do_not_stand_keeps_no_other_from_its_turn(bus: Bus) -> None:
    stuck, other = CHANNELS
    deciding = Deciding()

    def checkpoint() -> Checkpoint:
        given = deciding.checkpoint()
        return replace(given, state_of=lambda guid: None if guid == stuck else given.state_of(guid))

    async with renewing(bus, checkpoint), asyncio.timeout(LOOKS):
        while other not in (found := await load(bus)).states:  # noqa: ASYNC110 - it is in NATS
            await asyncio.sleep(0.05)
    assert (stuck in found.states, found.position) == (False, 0)

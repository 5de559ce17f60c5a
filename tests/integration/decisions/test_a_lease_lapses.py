"""A lease runs out on its holder's clock and is renewed after all, by an answer that was a moment late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from understudy_controller.loop.channels import Channels
from understudy_controller.loop.metrics import LoopMetrics
from understudy_controller.loop.reading import Reading
from understudy_controller.loop.shard import Shard
from understudy_controller.loop.ticker import Ticker
from understudy_domain import codec, keys
from understudy_domain.facts import Tick
from understudy_runtime import jetstream
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.settings import CommonSettings

SHARD = 3


class Heard:
    """Stands for the channels of a shard without any, and for the ticker: it only counts the ticks."""

    def __init__(self) -> None:
        self.ticks = 0

    def of_shard(self, number: int) -> list[object]:
        return []

    def __contains__(self, guid: str) -> bool:
        return False

    def pass_time(self, number: int, instant: int) -> None:
        self.ticks += 1

    def heard(self, *, instant: int) -> None:
        """A tick was read back."""


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - a plain count is looked at
            await asyncio.sleep(0.01)


async def test_a_shard_is_read_on_when_its_lease_had_run_out_for_a_moment_only(nats_settings: CommonSettings) -> None:
    bus = await jetstream.connect(nats_settings, name="test")
    reading: asyncio.Task[None] | None = None
    try:
        await bus.ensure_streams()
        heard, held, asked = Heard(), True, 0

        def holds(shard: int) -> bool:
            nonlocal asked
            asked += 1
            return held

        reader = Reading(
            bus,
            cast("ConfigStore", None),
            cast("Channels", heard),
            cast("Ticker", heard),
            cast("LoopMetrics", None),
            holds=holds,
            on_caught_up=lambda shard: None,
        )
        reading = asyncio.create_task(reader.read(Shard(SHARD)))

        async def tick() -> None:
            await bus.publish(keys.clock_subject(SHARD), codec.encode(Tick()))

        await tick()
        await _until(lambda: heard.ticks == 1)
        held, asked = False, 0
        await tick()
        await _until(lambda: asked > 0)
        assert heard.ticks == 1  # nothing is decided without a lease
        held = True
        await tick()
        await _until(lambda: heard.ticks == 3)
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await bus.close()

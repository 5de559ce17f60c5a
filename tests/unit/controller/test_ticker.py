"""A tick is written into each shard that has a timer due, and no shard waits for another's."""

from __future__ import annotations

import asyncio
from typing import cast

from understudy_controller.loop.ticker import Ticker, Timers
from understudy_domain.keys import clock_subject
from understudy_domain.ticks import from_seconds
from understudy_runtime import clock
from understudy_runtime.jetstream import Bus

_A, _B = "a" * 32, "b" * 32


class _Answering:
    """Stands for NATS where it has much to do: what is published is acknowledged when the test says so."""

    def __init__(self) -> None:
        self.subjects: asyncio.Queue[str] = asyncio.Queue()
        self.acknowledged = asyncio.Event()

    async def publish(self, subject: str, payload: bytes) -> int:
        self.subjects.put_nowait(subject)
        await self.acknowledged.wait()
        return 1

    async def next(self) -> str:
        async with asyncio.timeout(5):
            return await self.subjects.get()


async def test_a_shard_is_given_its_tick_while_anothers_is_not_acknowledged() -> None:
    wake_at = {_A: clock.now_ticks(), _B: clock.now_ticks() + from_seconds(0.02)}
    timers, bus = Timers(wake_at.get), _Answering()
    timers.set(1, _A)
    ticker = asyncio.create_task(Ticker(cast(Bus, bus), timers).run())
    assert await bus.next() == clock_subject(1)
    timers.set(2, _B)
    assert await bus.next() == clock_subject(2)
    assert clock.now_ticks() > wake_at[_B]
    ticker.cancel()
    await asyncio.wait((ticker,))


async def test_a_tick_that_was_not_read_is_followed_by_another() -> None:
    wake_at = {_A: clock.now_ticks()}
    timers, bus = Timers(wake_at.get), _Answering()
    bus.acknowledged.set()
    timers.set(1, _A)
    ticker = asyncio.create_task(Ticker(cast(Bus, bus), timers).run())
    assert await bus.next() == clock_subject(1)
    begun = clock.monotonic()
    assert [await bus.next() for _ in range(2)] == [clock_subject(1)] * 2
    assert clock.monotonic() - begun > 0.08  # and not at once
    ticker.cancel()
    await asyncio.wait((ticker,))

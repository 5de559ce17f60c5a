"""What keeps pages current ends or begins anew as a whole: no page is left behind with what is current no more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from support.synthetic import Broadcast, SyntheticEncoder, configured
from understudy_controller.console import overview as overview_module
from understudy_controller.console.feed import Hearing
from understudy_controller.console.marks import Marks
from understudy_controller.console.overview import Overview
from understudy_controller.console.strip_view import delivered_view
from understudy_controller.console.strips import Strips
from understudy_domain.channel import Channel
from understudy_domain.strip import delivered
from understudy_runtime.errors import BusUnavailable

CHANNEL = cast(Channel, SimpleNamespace(id="one", guid="0" * 32))


class Store:
    """A configuration of one channel, whose endpoints are whatever a test says."""

    def __init__(self) -> None:
        self.endpoints: list[Any] = []
        self.channels: dict[str, Any] = {}

    def on_change(self, _callback: Callable[[Any], None]) -> None:
        """Nothing is told."""

    def origin_endpoints_of(self, _guid: str) -> list[Any]:
        return [SimpleNamespace(value=one) for one in self.endpoints]


class Logs:
    """A bus with empty logs."""

    def __init__(self, *, is_current: bool = True, failure: Exception | None = None) -> None:
        self.is_current = is_current
        self.failure = failure

    def reader(self, *_: object, **__: object) -> Logs:
        return self

    async def batches(self) -> AsyncGenerator[list[Any], None]:
        await asyncio.Event().wait()
        yield []

    async def messages(self, *_: object, **__: object) -> AsyncGenerator[Any, None]:
        if self.failure is not None:
            raise self.failure
        await asyncio.Event().wait()
        yield None


def strips(copy: Callable[[], Awaitable[Any]], store: Store) -> Strips:
    async def copied(*_: object) -> Any:
        return await copy()

    folds = SimpleNamespace(copy=copied)
    return Strips(cast(Any, Logs()), cast(Any, store), cast(Any, folds), shards=1)


async def never() -> Any:
    await asyncio.Event().wait()


async def away() -> Any:
    raise BusUnavailable("NATS is away")


async def test_who_waits_for_a_strip_that_is_replaced_is_told_to_ask_again() -> None:
    found = await strips(never, Store()).of(CHANNEL)
    waiting = asyncio.create_task(found.opened())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await found.stop()
    async with asyncio.timeout(5):
        with pytest.raises(BusUnavailable):
            await waiting


async def test_pages_that_ask_at_once_for_a_changed_channel_share_one_strip() -> None:
    store = Store()
    both = strips(never, store)
    waiting = asyncio.create_task((await both.of(CHANNEL)).opened())
    await asyncio.sleep(0)
    store.endpoints = [SimpleNamespace(time_delay_seconds=0, id="new")]
    first, second = await asyncio.gather(both.of(CHANNEL), both.of(CHANNEL))
    assert first is second
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_strip_that_cannot_be_opened_is_tried_anew_by_the_next_page() -> None:
    both = strips(away, Store())
    found = await both.of(CHANNEL)
    with pytest.raises(BusUnavailable):
        await found.opened()
    await asyncio.sleep(0)
    assert await both.of(CHANNEL) is not found


async def test_after_leave_was_taken_no_new_strip_keeps_a_page() -> None:
    async def copied() -> Any:
        return Broadcast([configured("two", seconds=2)]).run().fold

    both = strips(copied, Store())
    both.close_pages()
    found = await both.of(CHANNEL)
    async with asyncio.timeout(5):
        assert [message async for message in found.events()] == []
    await found.stop()


async def test_the_overview_waits_for_the_logs_for_as_long_as_a_page_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview_module, "_TURN_SECONDS", 0.001)
    monkeypatch.setattr(overview_module, "_LINGER_SECONDS", 0.0)
    logs = Logs(is_current=False)
    overview = Overview(cast(Any, logs), cast(Any, Store()))
    page = overview.events()
    first = asyncio.ensure_future(anext(page))
    for _ in range(20):
        await asyncio.sleep(0.001)
    logs.is_current = True
    async with asyncio.timeout(5):
        assert b"event: lines" in await first
    await page.aclose()
    await overview.stop()


async def test_pages_of_an_overview_that_fails_are_closed_and_the_failure_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(overview_module, "_TURN_SECONDS", 0.001)
    logs = Logs(failure=RuntimeError("no such bucket"))
    overview = Overview(cast(Any, logs), cast(Any, Store()))
    async with asyncio.timeout(5):
        _ = [message async for message in overview.events()]
    assert "could not go on with the overview" in caplog.text
    logs.failure = None
    page = overview.events()
    async with asyncio.timeout(5):
        assert b"event: lines" in await anext(page)
    await page.aclose()
    await overview.stop()


def test_a_log_that_is_not_heard_of_for_a_while_is_lost_and_comes_back() -> None:
    now = [0.0]
    hearing = Hearing(monotonic=lambda: now[0])
    told = []
    for now[0], is_current in ((0.0, False), (5.5, False), (6.0, True), (9.0, False)):
        hearing.note(is_current=is_current)
        told.append((hearing.silence_seconds, hearing.is_lost))
    assert told == [(0.0, False), (5.5, True), (0.0, False), (3.0, False)]


def test_pieces_of_another_segment_duration_are_other_pieces() -> None:
    """Numbers begin anew with the grid: by them, new pieces would take the places of old ones."""
    run = Broadcast([configured("two", seconds=2), *SyntheticEncoder(1).messages(range(12))]).run()
    state = run.fold.state
    before = {delivered_view(one)["key"]: one for one in delivered(state.input(1), state)}
    assert state.grid is not None
    newest = state.input(1).rendition_pieces("v1")[-1]
    state.grid = type(state.grid)(anchor=newest.start - 4 * 360_000, segment_duration=360_000)
    after = {delivered_view(one)["key"]: one for one in delivered(state.input(1), state)}
    same = before.keys() & after.keys()
    assert {one.segment for one in before.values()} & {one.segment for one in after.values()}
    assert all(after[key].start >= before[key].start and after[key].start < before[key].end for key in same)


def test_inputs_are_looked_at_when_they_have_changed_and_not_with_every_message() -> None:
    run = Broadcast([configured("two", seconds=2), *SyntheticEncoder(1).messages(range(8))]).run()
    marks = Marks(run.fold, CHANNEL, [])
    assert len(marks.take_unsent()) > 0
    looked: list[int] = []
    marks._look = lambda one: looked.append(one.input_id)  # type: ignore[method-assign]
    for one in run.fold.state.inputs:
        assert run.fold.before_forgetting is not None
        run.fold.before_forgetting(one)
    assert looked == []
    assert json.dumps(marks.all())

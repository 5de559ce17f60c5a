"""What stands of an event is what every process lists, whether it runs or starts, also where index pages get lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from support.event_programme import EVENT, EventProgramme, listed, of_type
from support.program_publisher import ProgramPublisher, Shown
from understudy_egress.board import Shown as Board
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.event_past import EventPast
from understudy_egress.programmes import Programmes
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.objectkeys import ObjectKeys
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings


@dataclass(frozen=True)
class Process:
    """As much of an egress process as shows playlists; it looks at pages without much delay."""

    board: Board
    programmes: Programmes

    async def media(self, shown: Shown) -> bytes:
        """The media playlist as it is now."""
        await self.programmes.get(shown.endpoint.guid)
        return bytes(self.board[shown.media.encode()].identity.body)


class Starts:
    """Starts such processes."""

    def __init__(self, publisher: ProgramPublisher, settings: CommonSettings) -> None:
        self._publisher, self._settings = publisher, settings

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Process]:
        """One with nothing in memory."""
        bus, board = self._publisher.bus, Board()
        pages = IndexPages(ObjectStore(self._settings), ObjectKeys(self._settings), bytes_max=1 << 24)
        programmes = Programmes(
            bus,
            self._publisher.config,
            shown=board,
            secrets=CdnSecrets(None),
            event_past=EventPast(bus, pages, shards=self._settings.shards),
            shards=self._settings.shards,
            wait_seconds=10,
            look_seconds=0.1,
        )
        await programmes.start()
        try:
            yield Process(board, programmes)
        finally:
            await programmes.stop()


@pytest.fixture
def starts(publisher: ProgramPublisher, shared_settings: CommonSettings) -> Starts:
    return Starts(publisher, shared_settings)


async def once(process: Process, shown: Shown, expected: list[int]) -> bytes:
    async with asyncio.timeout(10):
        while listed(found := await process.media(shown)) != expected:  # noqa: ASYNC110  # a poll with a deadline
            await asyncio.sleep(0.05)
    return found


async def test_processes_that_run_and_that_start_agree_when_a_page_is_lost_and_when_it_is_back(
    starts: Starts, publisher: ProgramPublisher, shown: Shown, shared_settings: CommonSettings
) -> None:
    shown = of_type(shown, "EVENT")
    await publisher.configure(shown.endpoint)
    show = EventProgramme(shown, publisher, ObjectStore(shared_settings), age=60)
    show.decide(30)
    keys = [await show.store_page(begin, begin + 16) for begin in (0, 14)]
    await show.tell(10)
    async with starts.process() as running:
        whole = await once(running, shown, list(range(40)))
        assert EVENT in whole
        await ObjectKeys(shared_settings).remove([keys[0].render()])
        ordinary = await once(running, shown, list(range(30, 40)))
        assert EVENT not in ordinary
        async with starts.process() as late:
            assert await late.media(shown) == ordinary
            assert await show.store_page(0, 16) == keys[0]
            for process in (running, late):
                assert await once(process, shown, list(range(40))) == whole


async def test_a_page_that_cannot_be_read_makes_an_ordinary_playlist_of_an_event_and_no_error(
    starts: Starts, publisher: ProgramPublisher, shown: Shown, shared_settings: CommonSettings
) -> None:
    shown = of_type(shown, "EVENT")
    await publisher.configure(shown.endpoint)
    store = ObjectStore(shared_settings)
    show = EventProgramme(shown, publisher, store, age=60)
    show.decide(30)
    for begin in (0, 14):
        key = await show.store_page(begin, begin + 16)
    await show.tell(10)
    await store.put(key.render(), b"UIP9 of a release to come")
    async with starts.process() as process:
        ordinary = await process.media(shown)
        assert listed(ordinary) == list(range(30, 40))
        assert EVENT not in ordinary
        await show.end()
        await show.tell(2)
        assert EVENT in await once(process, shown, [40, 41]), "the next programme's beginning is known"

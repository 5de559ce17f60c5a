"""What is known of a programme's past, from pages and the log of real servers, while these come and go."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import replace

import pytest
from typing_extensions import override

from support.nats_server import NatsServer
from support.program_entries import make_endpoint, make_entries
from understudy_domain import codec, keys, ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import IndexPage
from understudy_domain.keys import IndexPageKey
from understudy_domain.timeshift import Cut, TimeWindow
from understudy_runtime import clock, program_history
from understudy_runtime.errors import BusUnavailable, HistoryTorn
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.objectkeys import ObjectKeys
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.program_history import ProgramHistory
from understudy_runtime.settings import CommonSettings

SHARDS = 1
SLOT = ticks.from_seconds(6)


class Listed(IndexPages):
    """Tells when the pages have been listed."""

    def __init__(self, settings: CommonSettings) -> None:
        super().__init__(ObjectStore(settings), ObjectKeys(settings), bytes_max=1 << 24)
        self.listed = asyncio.Event()
        self.afterwards: Awaitable[None] | None = None
        """Happens once, between the next listing and what follows."""

    @override
    async def keys_of(self, origin_endpoint_guid: str) -> list[IndexPageKey]:
        found = await super().keys_of(origin_endpoint_guid)
        self.listed.set()
        if self.afterwards is not None:
            afterwards, self.afterwards = self.afterwards, None
            await afterwards
        return found


class Past:
    """An origin endpoint's pages and log, and what is known of them."""

    def __init__(self, bus: Bus, settings: CommonSettings) -> None:
        self.endpoint: OriginEndpoint = make_endpoint(guid=secrets.token_hex(16))
        self._bus = bus
        self._store = ObjectStore(settings)
        self.pages = Listed(settings)
        self.history = ProgramHistory(bus, self.pages, self.endpoint, shards=SHARDS)
        self.start = clock.now_ticks() - ticks.from_seconds(24 * 3600)

    def entries(self, count: int) -> list[ProgramEntry]:
        """Slots since a day ago, each decided and available when it ends."""
        found = []
        for entry in make_entries(count):
            begin = self.start + entry.media_sequence * SLOT
            found.append(
                replace(
                    entry,
                    origin_endpoint=self.endpoint.guid,
                    program_date_time=begin,
                    available_at=begin + SLOT,
                    as_of=replace(entry.as_of, instant=begin + SLOT),
                )
            )
        return found

    async def append(self, entries: Sequence[ProgramEntry]) -> None:
        for entry in entries:
            await self.append_bytes(codec.encode(entry))

    async def append_bytes(self, payload: bytes) -> None:
        shard = keys.shard_of(self.endpoint.channel_guid, shards=SHARDS)
        await self._bus.publish(keys.program_subject(shard, self.endpoint.guid), payload)

    async def store(self, entries: Sequence[ProgramEntry]) -> None:
        page = IndexPage.of(entries)
        await self._store.put(page.key.render(), page.encode())

    async def cut(self, first: int, end: int) -> Cut:
        window = TimeWindow(self.start + first * SLOT, self.start + end * SLOT)
        return await self.history.view(self.endpoint).cut(window, now=clock.now_ticks())

    async def listed(self, first: int, end: int) -> list[int]:
        spans = (await self.cut(first, end)).spans
        return [number for span in spans for number in range(span.first, span.key.first + span.end)]


@pytest.fixture
async def past(settings: CommonSettings) -> AsyncIterator[Past]:
    bus = await connect(settings, name="test")
    await bus.ensure_streams()
    yield Past(bus, settings)
    await bus.close()


async def test_a_window_is_whole_while_new_pages_are_looked_for_and_after_that_has_failed(
    past: Past, nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = past.entries(300)
    await past.append(entries)
    await past.store(entries[:64])
    await past.history.refresh()
    assert await past.listed(20, 280) == list(range(20, 280))
    await past.store(entries[64:128])
    await past.store(entries[128:256])
    monkeypatch.setattr(program_history, "_READ_SECONDS_MAX", 1.0)
    past.pages.listed.clear()
    nats_server.pause()
    try:
        refreshing = asyncio.create_task(past.history.refresh())
        await past.pages.listed.wait()
        await asyncio.sleep(0)
        assert await past.listed(20, 280) == list(range(20, 280)), "the log has not been read yet"
        with pytest.raises(BusUnavailable):
            await refreshing
        assert await past.listed(20, 280) == list(range(20, 280)), "the log could not be read"
    finally:
        nats_server.resume()
    await past.history.refresh()
    assert await past.listed(20, 280) == list(range(20, 280))
    assert len((await past.cut(20, 280)).spans) < 6, "from the pages now"


async def test_a_window_that_begins_before_a_page_that_is_missing_is_never_complete(past: Past) -> None:
    entries = past.entries(300)
    await past.append(entries[240:])
    await past.store(entries[:64])
    await past.store(entries[128:256])
    await past.history.refresh()
    assert await past.listed(20, 280) == list(range(128, 280))
    assert not (await past.cut(20, 280)).is_complete, "old as it is"
    assert (await past.cut(128, 280)).is_complete, "it lacks nothing"
    with pytest.raises(HistoryTorn):
        await past.cut(20, 60)
    await past.store(entries[64:128])
    await past.history.refresh()
    assert await past.listed(20, 280) == list(range(20, 280))
    assert (await past.cut(20, 280)).is_complete


async def test_a_page_that_is_stored_and_a_log_that_is_cut_while_it_is_read_leave_nothing_out(past: Past) -> None:
    entries = past.entries(300)
    await past.append(entries[200:])
    await past.store(entries[:128])
    past.pages.afterwards = past.store(entries[128:256])
    await past.history.refresh()
    assert await past.listed(20, 280) == list(range(20, 280))
    assert (await past.cut(20, 280)).is_complete


async def test_pages_of_a_programme_that_was_begun_anew_are_not_joined_to_its_successor(past: Past) -> None:
    old = past.entries(512)
    await past.store(old[:256])
    await past.store(old[256:])
    past.start += 4 * 3600 * ticks.TICKS_PER_SECOND
    await past.append(past.entries(600))
    for _ in range(3):
        await past.history.refresh()
        assert await past.listed(0, 600) == list(range(600))
        assert (await past.cut(0, 1)).spans[0].key.begin_milliseconds == past.start // 90


async def test_a_window_that_begins_before_an_entry_that_does_not_parse_is_never_complete(past: Past) -> None:
    entries = past.entries(200)
    await past.append(entries[:100])
    await past.append_bytes(b"{}")
    await past.append(entries[101:])
    for _ in range(2):
        await past.history.refresh()
        assert await past.listed(20, 150) == list(range(101, 150))
        assert not (await past.cut(20, 150)).is_complete
        assert (await past.cut(101, 150)).is_complete

"""Segments in memory: what is read once, what goes first, what a caller that goes away takes with it."""

from __future__ import annotations

import asyncio

import pytest

from understudy_egress.board import Board, Shown
from understudy_egress.prepared import SegmentDescription
from understudy_egress.segment_cache import SegmentCache
from understudy_runtime.errors import StorageUnavailable

DESCRIPTION = SegmentDescription(etag=b'"x"', size=4, media_type=b"video/mp2t")


class Storage:
    """Gives what it is told to, when it is told to."""

    def __init__(self) -> None:
        self.reads = 0
        self.released = asyncio.Event()
        self.released.set()
        self.failing = False

    async def load(self) -> bytes:
        self.reads += 1
        await self.released.wait()
        if self.failing:
            raise StorageUnavailable("away")
        return b"body"


@pytest.fixture
def shown() -> Shown:
    return {}


async def get(cache: SegmentCache, path: bytes, storage: Storage, shown: Shown) -> bytes:
    prepared = await cache.get(path, DESCRIPTION, board=Board(shown), epoch=0, load=storage.load)
    return bytes(prepared.identity.body)


async def test_a_segment_is_read_once_and_shown(shown: Shown) -> None:
    cache, storage = SegmentCache(bytes_max=100), Storage()
    for _ in range(3):
        assert await get(cache, b"/a", storage, shown) == b"body"
    assert storage.reads == 1
    assert list(shown) == [b"/a"]
    assert (cache.counts.misses, cache.counts.hits) == (1, 2)


async def test_simultaneous_misses_are_one_read(shown: Shown) -> None:
    cache, storage = SegmentCache(bytes_max=100), Storage()
    storage.released.clear()
    waiting = [asyncio.create_task(get(cache, b"/a", storage, shown)) for _ in range(5)]
    await asyncio.sleep(0)
    storage.released.set()
    assert await asyncio.gather(*waiting) == [b"body"] * 5
    assert storage.reads == 1
    assert cache.counts.collapsed == 4


async def test_a_caller_that_goes_away_takes_nothing_from_the_others(shown: Shown) -> None:
    cache, storage = SegmentCache(bytes_max=100), Storage()
    storage.released.clear()
    first = asyncio.create_task(get(cache, b"/a", storage, shown))
    await asyncio.sleep(0)
    second = asyncio.create_task(get(cache, b"/a", storage, shown))
    await asyncio.sleep(0)
    first.cancel()
    storage.released.set()
    assert await second == b"body"
    assert storage.reads == 1


async def test_a_failed_read_reaches_all_who_waited_and_is_not_remembered(shown: Shown) -> None:
    cache, storage = SegmentCache(bytes_max=100), Storage()
    storage.failing = True
    results = await asyncio.gather(*(get(cache, b"/a", storage, shown) for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results] == [StorageUnavailable] * 2
    storage.failing = False
    assert await get(cache, b"/a", storage, shown) == b"body"


async def test_the_least_recently_used_goes_first(shown: Shown) -> None:
    cache, storage = SegmentCache(bytes_max=8), Storage()
    await get(cache, b"/a", storage, shown)
    await get(cache, b"/b", storage, shown)
    touch = shown[b"/a"].touch
    assert touch is not None
    touch()  # as the fast path does
    await get(cache, b"/c", storage, shown)
    assert sorted(shown) == [b"/a", b"/c"]
    assert cache.bytes_held == 8
    assert cache.counts.evictions == 1


async def test_a_segment_larger_than_the_cache_is_passed_through(shown: Shown) -> None:
    cache, storage = SegmentCache(bytes_max=3), Storage()
    assert await get(cache, b"/a", storage, shown) == b"body"
    assert not shown
    assert len(cache) == cache.bytes_held == 0


async def test_what_a_replaced_programme_had_under_the_same_name_is_not_given(shown: Shown) -> None:
    cache, storage = SegmentCache(bytes_max=100), Storage()
    await get(cache, b"/a", storage, shown)
    other = SegmentDescription(etag=b'"y"', size=4, media_type=b"video/mp2t")
    prepared = await cache.get(b"/a", other, board=Board(shown), epoch=0, load=storage.load)
    assert prepared.identity.etag == b'"y"'
    assert shown[b"/a"] is prepared
    assert (storage.reads, len(cache), cache.bytes_held) == (2, 1, 4)


async def test_what_is_held_is_shown_on_the_board_of_a_programme_that_was_loaded_again(shown: Shown) -> None:
    cache, storage = SegmentCache(bytes_max=100), Storage()
    first, second = Board(shown), Board(shown)
    await cache.get(b"/a", DESCRIPTION, board=first, epoch=0, load=storage.load)
    first.close()
    assert not shown
    await cache.get(b"/a", DESCRIPTION, board=second, epoch=0, load=storage.load)
    assert list(shown) == [b"/a"]
    assert storage.reads == 1


async def test_what_is_no_longer_offered_when_it_has_been_read_is_given_to_who_asked_and_not_shown(
    shown: Shown,
) -> None:
    cache, storage = SegmentCache(bytes_max=100), Storage()
    board = Board(shown)
    storage.released.clear()
    asked = asyncio.create_task(cache.get(b"/a", DESCRIPTION, board=board, epoch=board.epoch, load=storage.load))
    await asyncio.sleep(0)
    board.clear()
    storage.released.set()
    assert (await asked).identity.body == b"body"
    assert not shown
    assert board.find(b"/a") is None
    await cache.get(b"/a", DESCRIPTION, board=board, epoch=board.epoch, load=storage.load)
    assert (list(shown), storage.reads) == ([b"/a"], 1), "offered again: from memory"


async def test_what_is_held_is_not_shown_for_who_asked_before_all_was_taken_off(shown: Shown) -> None:
    cache, storage = SegmentCache(bytes_max=100), Storage()
    board = Board(shown)
    before = board.epoch
    await cache.get(b"/a", DESCRIPTION, board=board, epoch=before, load=storage.load)
    board.clear()
    await cache.get(b"/a", DESCRIPTION, board=board, epoch=before, load=storage.load)
    assert not shown


async def test_a_read_that_ends_after_its_origin_endpoint_leaves_nothing_behind(shown: Shown) -> None:
    cache, storage = SegmentCache(bytes_max=100), Storage()
    board = Board(shown)
    storage.released.clear()
    asked = asyncio.create_task(cache.get(b"/a", DESCRIPTION, board=board, epoch=board.epoch, load=storage.load))
    await asyncio.sleep(0)
    board.close()
    storage.released.set()
    await asked
    assert (shown, board.find(b"/a")) == ({}, None)

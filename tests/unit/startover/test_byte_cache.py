"""What is kept in memory, up to so many bytes."""

from __future__ import annotations

import asyncio

import pytest

from understudy_runtime.byte_cache import ByteCache


async def test_the_least_recently_used_goes_first_by_bytes() -> None:
    cache: ByteCache[str, int] = ByteCache(bytes_max=10)
    cache.put("a", 1, weight=4)
    cache.put("b", 2, weight=4)
    assert cache.find("a") == 1
    cache.put("c", 3, weight=4)
    assert [cache.find(key) for key in "abc"] == [1, None, 3]
    assert (cache.bytes_held, len(cache), cache.hits, cache.misses) == (8, 2, 3, 1)


async def test_what_is_too_large_is_not_kept_and_what_is_replaced_is_not_counted() -> None:
    cache: ByteCache[str, int] = ByteCache(bytes_max=10)
    cache.put("a", 1, weight=4)
    cache.put("a", 2, weight=6)
    assert (cache.find("a"), cache.bytes_held) == (2, 6)
    cache.put("a", 3, weight=11)
    assert (cache.find("a"), cache.bytes_held) == (None, 0)


async def test_simultaneous_misses_are_one_load_and_a_failure_is_everybodys() -> None:
    cache: ByteCache[str, int] = ByteCache(bytes_max=10)
    loads = 0
    go_on = asyncio.Event()

    async def load() -> int:
        nonlocal loads
        loads += 1
        await go_on.wait()
        return 7

    async def fail() -> int:
        raise ZeroDivisionError

    waiting = [asyncio.create_task(cache.get("a", load, weight=lambda _: 1)) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    go_on.set()
    assert await asyncio.gather(*waiting[1:]) == [7] * 4
    assert loads == 1
    with pytest.raises(ZeroDivisionError):
        await cache.get("b", fail, weight=lambda _: 1)
    assert await cache.get("b", load, weight=lambda _: 1) == 7


async def test_what_was_made_of_something_else_is_loaded_again() -> None:
    cache: ByteCache[str, int] = ByteCache(bytes_max=10)
    cache.put("a", 1, weight=1, version="old")

    async def load() -> int:
        return 2

    assert await cache.get("a", load, weight=lambda _: 1, version="new") == 2
    assert await cache.get("a", load, weight=lambda _: 1, version="new") == 2
    assert (len(cache), cache.bytes_held, cache.hits, cache.misses) == (1, 1, 1, 1)


async def test_nobody_waits_for_a_load_of_another_version() -> None:
    cache: ByteCache[str, str] = ByteCache(bytes_max=10)
    go_on = asyncio.Event()

    async def load(value: str) -> str:
        await go_on.wait()
        return value

    async def get(version: str) -> str:
        return await cache.get("a", lambda: load(version), weight=lambda _: 1, version=version)

    waiting = [asyncio.create_task(get(version)) for version in ("old", "new", "old", "new")]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*waiting) == ["old", "new", "old", "new"]


async def test_a_load_that_nobody_waits_for_any_more_is_given_up_and_begun_anew_for_who_comes_then() -> None:
    cache: ByteCache[str, int] = ByteCache(bytes_max=10)
    go_on = asyncio.Event()
    begun = given_up = 0

    async def load() -> int:
        nonlocal begun, given_up
        begun += 1
        try:
            await go_on.wait()
        except asyncio.CancelledError:
            given_up += 1
            raise
        return 7

    waiting = [asyncio.create_task(cache.get("a", load, weight=lambda _: 1)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    await asyncio.sleep(0)
    assert (begun, given_up) == (1, 0), "one waits still"
    waiting[1].cancel()
    await asyncio.gather(waiting[1], return_exceptions=True)
    late = asyncio.create_task(cache.get("a", load, weight=lambda _: 1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (begun, given_up) == (2, 1)
    go_on.set()
    assert await late == 7

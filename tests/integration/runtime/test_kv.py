"""A KV bucket, against a real nats-server and beside the library's own client."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from support.nats_server import NatsServer
from understudy_domain import keys, ticks
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import AlreadyExists, BusUnavailable, NotFound, StaleRevision
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import Entry, KeyValue


@pytest.fixture
def kv(bus: Bus) -> KeyValue:
    return KeyValue(bus, keys.ACTIVE_INPUT_BUCKET)


async def test_a_key_is_read_as_it_was_put(kv: KeyValue) -> None:
    revision = await kv.put("a.b", b"one")
    assert await kv.get("a.b") == Entry("a.b", b"one", revision)
    assert await kv.last_revision() == revision


async def test_a_key_without_a_value_is_not_found(kv: KeyValue) -> None:
    with pytest.raises(NotFound):
        await kv.get("a")
    await kv.delete("a", revision=await kv.put("a", b"one"))
    with pytest.raises(NotFound):
        await kv.get("a")


async def test_a_key_is_created_once_and_again_after_its_deletion(kv: KeyValue) -> None:
    first = await kv.create("a", b"one")
    with pytest.raises(AlreadyExists):
        await kv.create("a", b"two")
    await kv.delete("a", revision=first)
    assert await kv.create("a", b"three") == first + 2


async def test_an_update_of_an_old_revision_is_refused(kv: KeyValue) -> None:
    first = await kv.create("a", b"one")
    second = await kv.update("a", b"two", revision=first)
    with pytest.raises(StaleRevision):
        await kv.update("a", b"three", revision=first)
    with pytest.raises(StaleRevision):
        await kv.delete("a", revision=first)
    assert (await kv.get("a")).revision == second


async def test_of_two_creators_one_succeeds(kv: KeyValue) -> None:
    outcomes = await asyncio.gather(*(kv.create("a", b"%d" % n) for n in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, int) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 9


async def test_a_watch_gives_what_is_there_then_each_change_across_a_crash(
    kv: KeyValue, nats_server: NatsServer
) -> None:
    await kv.put("a", b"one")
    async with asyncio.timeout(10), contextlib.aclosing(kv.watch()) as entries:
        assert (await anext(entries)).value == b"one"
        nats_server.restart()
        with pytest.raises(BusUnavailable):  # the connection is found lost under the request
            await kv.put("b", b"lost")
        await kv.put("b", b"two")
        await kv.delete("a")
        assert [(entry.key, entry.value) for entry in (await anext(entries), await anext(entries))] == [
            ("b", b"two"),
            ("a", None),
        ]


async def test_the_librarys_own_client_reads_and_writes_the_same_bucket(bus: Bus, kv: KeyValue) -> None:
    theirs = await bus.js.key_value(keys.ACTIVE_INPUT_BUCKET)
    revision = await kv.put("a", b"one")
    assert (await theirs.get("a")).revision == revision
    await theirs.delete("a")
    with pytest.raises(NotFound):
        await kv.get("a")
    assert await kv.create("a", b"two") == revision + 2


async def test_a_purged_key_leaves_no_mark_and_a_newer_value_stays(kv: KeyValue) -> None:
    old = await kv.put("a", b"one")
    await kv.put("b", b"two")
    await kv.purge("b")
    assert await kv.keys() == ["a"]
    assert await kv.revision_of("b") is None
    new = await kv.put("a", b"three")
    await kv.purge("a", revision=old)
    assert (await kv.get("a")).value == b"three"
    await kv.delete("a")
    assert await kv.keys() == ["a"]
    assert await kv.revision_of("a") == new + 1
    await kv.purge("a", revision=new + 1)
    assert await kv.keys() == []


async def test_marks_of_deletions_go_when_they_are_old_but_for_the_newest_message(bus: Bus) -> None:
    config = KeyValue(bus, keys.CONFIG_BUCKET)
    for key in ("a", "b", "c", "d"):
        await config.put(key, b"{}")
    await config.delete("a")
    await config.delete("b")
    await config.put("b", b"{}")
    between = clock.now_ticks()
    await config.delete("c")
    await config.delete("d")
    assert await config.forget_deleted(before=between) == 1
    assert sorted(await config.keys()) == ["b", "c", "d"]
    assert await config.forget_deleted(before=clock.now_ticks() + ticks.TICKS_PER_SECOND) == 1
    assert sorted(await config.keys()) == ["b", "d"]
    # Who starts now has to find the bucket's end.
    store = ConfigStore(bus)
    async with asyncio.timeout(5):
        await store.start()
    await store.stop()

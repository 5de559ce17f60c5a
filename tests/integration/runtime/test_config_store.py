"""The configuration in memory, against a real nats-server, with several processes' stores at once."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest

from support.nats_server import NatsServer
from understudy_domain import codec, keys
from understudy_domain.channel import Channel, HlsPackage, OriginEndpoint
from understudy_runtime.config_store import ConfigChange, ConfigStore
from understudy_runtime.errors import AlreadyExists, BusUnavailable, StaleRevision
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.kv import KeyValue
from understudy_runtime.settings import CommonSettings

CHANNEL = Channel("news", "a" * 32, (), 0)
ENDPOINT = OriginEndpoint("news-hls", "b" * 32, "news", "a" * 32, 0, HlsPackage())


@pytest.fixture
async def store(bus: Bus) -> AsyncIterator[ConfigStore]:
    store = ConfigStore(bus)
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
async def other(nats_settings: CommonSettings, store: ConfigStore) -> AsyncIterator[ConfigStore]:
    """Another process's."""
    bus = await connect(nats_settings, name="other")
    other = ConfigStore(bus)
    await other.start()
    yield other
    await other.stop()
    await bus.close()


async def test_a_writer_sees_its_own_writes_at_once(store: ConfigStore) -> None:
    revision = await store.create(CHANNEL)
    assert store.channels["news"].value == CHANNEL
    assert store.channels["news"].revision == revision
    assert store.channel_by_guid("a" * 32) is store.channels["news"]
    changed = dataclasses.replace(CHANNEL, description="changed")
    second = await store.update(changed, revision)
    assert store.channels["news"].value == changed
    await store.delete(changed, second)
    assert not store.channels
    assert store.channel_by_guid("a" * 32) is None


async def test_what_one_process_wrote_another_sees_once_it_asks(store: ConfigStore, other: ConfigStore) -> None:
    for number in range(20):
        channel = Channel(f"channel-{number}", f"{number:032x}", (), 0)
        await store.create(channel)
        await other.ensure_current()
        assert other.channels[channel.id].value == channel


async def test_many_concurrent_questions_are_asked_as_two(store: ConfigStore, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    ask = store._kv.last_revision

    async def counted() -> int:
        nonlocal asked
        asked += 1
        return await ask()

    monkeypatch.setattr(store._kv, "last_revision", counted)
    await asyncio.gather(*(store.ensure_current() for _ in range(50)))
    assert asked == 1
    first = asyncio.ensure_future(store.ensure_current())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.gather(first, *(store.ensure_current() for _ in range(50)))
    assert asked == 3


async def test_conflicting_writes_are_told_apart(store: ConfigStore, other: ConfigStore) -> None:
    revision = await store.create(CHANNEL)
    with pytest.raises(AlreadyExists):
        await other.create(CHANNEL)
    await other.ensure_current()
    await other.update(CHANNEL, revision)
    with pytest.raises(StaleRevision):
        await store.update(CHANNEL, revision)
    with pytest.raises(StaleRevision):
        await store.delete(CHANNEL, revision)


async def test_origin_endpoints_are_found_by_their_channel(store: ConfigStore) -> None:
    await store.create(CHANNEL)
    revision = await store.create(ENDPOINT)
    assert [found.value for found in store.origin_endpoints_of("a" * 32)] == [ENDPOINT]
    assert store.origin_endpoint_by_guid("b" * 32) is store.origin_endpoints["news-hls"]
    await store.delete(ENDPOINT, revision)
    assert store.origin_endpoints_of("a" * 32) == []


async def test_an_id_that_is_created_again_is_another_resource(store: ConfigStore) -> None:
    await store.delete(CHANNEL, await store.create(CHANNEL))
    await store.create(dataclasses.replace(CHANNEL, guid="c" * 32))
    assert store.channel_by_guid("a" * 32) is None
    assert store.channel_by_guid("c" * 32) is store.channels["news"]


async def test_followers_are_told_of_each_change_in_order(store: ConfigStore) -> None:
    changes: list[ConfigChange] = []
    store.on_change(changes.append)
    store.on_change(lambda _: 1 // 0)  # type: ignore[arg-type]
    revision = await store.create(CHANNEL)
    await store.delete(CHANNEL, revision)
    assert [(change.key, change.before is None, change.after is None) for change in changes] == [
        ("channel.news", True, False),
        ("channel.news", False, True),
    ]


async def test_a_record_that_does_not_parse_is_counted_and_skipped(bus: Bus, store: ConfigStore) -> None:
    kv = KeyValue(bus, keys.CONFIG_BUCKET)
    await store.create(CHANNEL)
    await kv.put("channel.news", b"{")
    await kv.put("channel.other", codec.encode(CHANNEL))
    await store.create(ENDPOINT)
    assert store.malformed_total == 2
    assert list(store.channels) == ["news"]


async def test_the_store_goes_on_after_the_server_was_killed(
    store: ConfigStore, other: ConfigStore, nats_server: NatsServer
) -> None:
    await store.create(CHANNEL)
    nats_server.kill()
    with pytest.raises(BusUnavailable):
        await store.ensure_current()
    assert list(store.channels) == ["news"]
    nats_server.start()
    await other.ensure_current()
    await other.create(ENDPOINT)
    await store.ensure_current()
    assert list(store.origin_endpoints) == ["news-hls"]


async def test_a_store_starts_with_all_that_is_there(bus: Bus, store: ConfigStore) -> None:
    await asyncio.gather(*(store.create(Channel(f"c{n}", f"{n:032x}", (), 0)) for n in range(300)))
    late = ConfigStore(bus)
    await late.start()
    assert len(late.channels) == 300
    assert late.revision == 300
    await late.stop()


async def test_a_configuration_that_was_replaced_is_read_anew(bus: Bus, store: ConfigStore) -> None:
    await store.create(CHANNEL)
    await store.create(ENDPOINT)
    await bus.js.delete_stream("KV_CONFIG")
    await bus.ensure_streams()
    await KeyValue(bus, keys.CONFIG_BUCKET).put("channel.fresh", codec.encode(Channel("fresh", "d" * 32, (), 0)))
    async with asyncio.timeout(10):
        while list(store.channels) != ["fresh"]:  # noqa: ASYNC110  # a poll with a deadline
            await asyncio.sleep(0.02)
    assert not store.origin_endpoints

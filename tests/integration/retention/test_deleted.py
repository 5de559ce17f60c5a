"""A deleted channel leaves nothing behind but its events, whoever was there when it was deleted."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from support.control_process import Controller
from support.deadline import comes_true
from support.retention import SEGMENT_SECONDS, Studio, both_inputs, controller_settings, create
from support.synthetic import Message
from understudy_domain import codec, keys
from understudy_domain.channel import Channel
from understudy_runtime.kv import KeyValue
from understudy_runtime.settings import CommonSettings

FOREIGN = "f" * 32
"""The guid of another installation's channel in the same bucket."""
SEGMENTS = 12


def now_on_air() -> tuple[float, list[Message]]:
    """Some segments of both inputs, all of them due."""
    t0 = time.time() - SEGMENTS * SEGMENT_SECONDS
    return t0, both_inputs(t0, range(SEGMENTS))


async def on_air(studio: Studio, controller: Controller, channel_id: str) -> tuple[str, dict[str, str]]:
    """A channel that has delivered, with entries, and media of another installation beside its own."""
    endpoints = f"{channel_id}-one", f"{channel_id}-two"
    channel, guids = await asyncio.to_thread(create, controller, channel_id, *endpoints)
    t0, messages = now_on_air()
    await studio.deliver(channel, messages, t0)

    async def decided() -> bool:
        return all([await studio.entries(channel, guid) for guid in guids.values()])

    await comes_true(decided, "something is decided")
    await studio.storage.put(keys.media_prefix(FOREIGN, 1) + "1800000000000-00.ts", b"theirs")
    return channel, guids


async def assert_nothing_is_left(studio: Studio, channel: str, guids: dict[str, str]) -> None:
    async def gone() -> bool:
        return not await studio.left_of(channel, guids)

    try:
        await comes_true(gone, "nothing is left")
    except AssertionError as err:
        raise AssertionError(await studio.left_of(channel, guids)) from err
    assert len(await studio.objects(FOREIGN)) == 1


async def test_a_deleted_channel_leaves_nothing_and_its_neighbour_everything(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    with Controller(tmp_path, nats_url=settings.nats_url, **controller_settings(settings)) as controller:
        channel, guids = await on_air(studio, controller, "show")
        other, other_guids = await on_air(studio, controller, "other")
        await studio.bus.publish(f"events.failover.{channel}", b"{}")
        stays = await studio.left_of(other, other_guids)
        for endpoint_id in guids:
            assert controller.json("DELETE", f"/origin_endpoints/{endpoint_id}")[0] == 202
        assert controller.json("DELETE", "/channels/show")[0] == 202
        # An upload that was under way when the channel was deleted.
        t0, messages = now_on_air()
        await studio.deliver(channel, messages[:4], t0)
        await assert_nothing_is_left(studio, channel, guids)
        assert set(stays) <= set(await studio.left_of(other, other_guids))
        assert f"events.failover.{channel}" in await studio.bus.subjects(keys.EVENTS_STREAM, "events.>")
        # The id may be used again at once, by another channel.
        again, _ = await asyncio.to_thread(create, controller, "show", "show-one")
        assert again != channel


async def test_an_endpoint_goes_alone(tmp_path: Path, settings: CommonSettings, studio: Studio) -> None:
    with Controller(tmp_path, nats_url=settings.nats_url, **controller_settings(settings)) as controller:
        channel, guids = await on_air(studio, controller, "show")
        assert controller.json("DELETE", "/origin_endpoints/show-one")[0] == 202

        async def gone() -> bool:
            return not await studio.entries(channel, guids["show-one"])

        await comes_true(gone, "its entries are gone")
        assert await studio.entries(channel, guids["show-two"])
        assert await studio.missing(channel, guids["show-two"]) == []
        buckets = [KeyValue(studio.bus, keys.ACTIVE_INPUT_BUCKET), KeyValue(studio.bus, keys.SNAPSHOTS_BUCKET)]
        assert "show-two" in await buckets[0].keys()
        assert f"removed.{channel}" not in await buckets[1].keys()


async def test_what_was_deleted_while_no_controller_ran_is_found_by_the_next(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    with Controller(tmp_path, nats_url=settings.nats_url, **controller_settings(settings)) as controller:
        channel, guids = await on_air(studio, controller, "show")
        other, other_guids = await on_air(studio, controller, "other")
        controller.stop(kill=True)
        await studio.config.ensure_current()
        for guid in guids.values():
            endpoint = studio.config.origin_endpoint_by_guid(guid)
            assert endpoint is not None
            await studio.config.delete(endpoint.value, endpoint.revision)
        found = studio.config.channel_by_guid(channel)
        assert found is not None
        await studio.config.delete(found.value, found.revision)
        controller.start()
        await assert_nothing_is_left(studio, channel, guids)
        assert await studio.left_of(other, other_guids)


async def test_while_the_configuration_holds_what_this_release_cannot_read_nothing_is_taken_for_deleted(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    with Controller(tmp_path, nats_url=settings.nats_url, **controller_settings(settings)) as controller:
        channel, guids = await on_air(studio, controller, "show")
        controller.stop()
        stays = await studio.left_of(channel, guids)
        found = studio.config.channel_by_guid(channel)
        assert found is not None
        newer = codec.encode(found.value).replace(b'"version":1', b'"version":2')
        config = KeyValue(studio.bus, keys.CONFIG_BUCKET)
        await config.put(keys.channel_key("show"), newer)
        controller.start()

        async def said() -> bool:
            return "cannot read" in controller.log()

        await comes_true(said, "it says so")
        await asyncio.sleep(2.0)
        assert set(stays) <= set(await studio.left_of(channel, guids))
        # It is read again, by whatever means: what is deleted goes.
        assert isinstance(found.value, Channel)
        await config.put(keys.channel_key("show"), codec.encode(found.value))
        assert controller.json("DELETE", "/origin_endpoints/show-one")[0] == 202
        await comes_true(lambda: _gone(studio, channel, guids["show-one"]), "its entries are gone")


async def _gone(studio: Studio, channel: str, endpoint: str) -> bool:
    return not await studio.entries(channel, endpoint)

"""A defect of the core, at one channel, is not a thousand others' affair."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from support.broadcast import broadcast, create, metrics, publish_in_real_time, read, shard_of
from support.control_process import Controller
from support.deadline import PATIENCE_SECONDS
from support.nats_server import NatsServer
from support.synthetic import EPOCH
from understudy_domain import codec, keys
from understudy_domain.channel_state import ChannelState, LogPosition
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime import jetstream
from understudy_runtime.kv import KeyValue
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=20)


async def test_a_channel_at_which_the_core_fails_is_given_up_and_the_others_go_on(
    tmp_path: Path, nats_server: NatsServer
) -> None:
    settings = CommonSettings(nats_url=nats_server.url)
    controller = Controller(tmp_path, nats_url=nats_server.url)
    with controller:
        bad, bad_guids = create(controller, "bad", prefix="bad-")
        good, good_guids = create(controller, "good", prefix="good-")
        controller.stop()
        bus = await jetstream.connect(settings, name="test")
        try:
            # A snapshot that parses and makes no sense: no input to receive a segment.
            state = ChannelState(bad, sequence=1, inputs=[])
            await KeyValue(bus, keys.SNAPSHOTS_BUCKET).put(keys.channel_snapshot_key(bad), codec.encode(state))
        finally:
            await bus.close()
        controller.start()
        await asyncio.to_thread(controller.wait_until_answering)
        t0 = time.time() + 0.3
        messages = [one for one in broadcast(t0) if one.instant < EPOCH + 5 * TICKS_PER_SECOND]
        await asyncio.gather(*(publish_in_real_time(settings, one, messages, t0) for one in (bad, good)))
        assert await entries(settings, good, good_guids["good-one"]) > 0
        assert await entries(settings, bad, bad_guids["bad-one"]) == 0
        assert "understudy_failed_channels_total 1.0" in metrics(controller)
        assert "the decision core failed at channel" in controller.log()
        await asyncio.to_thread(_delete, controller, "bad", bad_guids)
        await wait_for_position(settings, bad)


def _delete(controller: Controller, channel_id: str, endpoints: dict[str, str]) -> None:
    for path in (*(f"/origin_endpoints/{one}" for one in endpoints), f"/channels/{channel_id}"):
        assert controller.request("DELETE", path)[0] == 202


async def wait_for_position(settings: CommonSettings, channel: str) -> None:
    """Until the snapshots of a channel's shard reach what was in the log before this was called."""
    bus = await jetstream.connect(settings, name="test")
    try:
        snapshots, wanted = KeyValue(bus, keys.SNAPSHOTS_BUCKET), await bus.last_sequence(keys.ARRIVALS_STREAM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                value = (await snapshots.get(keys.position_snapshot_key(shard_of(channel)))).value
                if value is not None and codec.decode_as(LogPosition, value).sequence >= wanted:
                    return
                await asyncio.sleep(0.2)
    finally:
        await bus.close()


async def entries(settings: CommonSettings, channel: str, guid: str) -> int:
    """How many entries an endpoint has."""
    return len(await read(settings, keys.PROGRAM_STREAM, keys.program_subject(shard_of(channel), guid)))

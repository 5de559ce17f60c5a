"""A real controller on a real nats-server: what stands in PROGRAM is what the core makes of ARRIVALS, whoever dies.

The facts are published in real time, the controller is killed in the middle of everything, and the log is then folded
again from its first message: every entry has to be the same, byte for byte.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.broadcast import (
    assert_events_are_what_the_log_has,
    assert_programme_is_the_log_folded,
    broadcast,
    create,
    metrics,
    publish_in_real_time,
    read,
    shard_of,
    wait_for_the_end,
)
from support.control_process import Controller
from support.deadline import PATIENCE_SECONDS, eventually_beside
from support.nats_server import NatsServer
from support.synthetic import EPOCH
from understudy_domain import codec, keys
from understudy_domain.entry import ActiveInput
from understudy_domain.event import EventKind
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime import jetstream
from understudy_runtime.kv import KeyValue
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=60)


@pytest.mark.parametrize("killed", ["controller", "controller and nats-server"])
async def test_killing_the_controller_changes_doubles_and_loses_no_entry(
    tmp_path: Path, nats_server: NatsServer, killed: str
) -> None:
    settings = CommonSettings(nats_url=nats_server.url)
    controller = Controller(tmp_path, nats_url=nats_server.url)
    with controller:
        channel, guids = create(controller)
        t0 = time.time() + 0.5
        messages = broadcast(t0)
        publisher = asyncio.create_task(publish_in_real_time(settings, channel, messages, t0))
        for at in (4.0, 7.6, 12.0):
            await asyncio.sleep(max(t0 + at - time.time(), 0))  # the broadcast runs in real time
            controller.stop(kill=True)
            if killed.endswith("nats-server"):
                nats_server.kill()
                await asyncio.to_thread(nats_server.start)
            controller.start()
        await publisher
        await asyncio.to_thread(controller.wait_until_answering)
        entries = await wait_for_the_end(settings, channel, guids)
        await assert_programme_is_the_log_folded(settings, channel, entries)
        await _assert_told(controller, settings, guids)
        told = await assert_events_are_what_the_log_has(settings, channel)
        assert told[EventKind.PROGRAMME_STARTED] == told[EventKind.FAILOVER] == len(guids)
        assert told[EventKind.INPUT_LOST] >= told[EventKind.INPUT_RECOVERED] == 1


def followed_inputs(controller: Controller) -> dict[tuple[str, str], float]:
    """What the metrics say of each endpoint, by id, and input: 1 if it follows it."""
    return {
        (sample.labels["origin_endpoint"], sample.labels["input"]): sample.value
        for family in text_string_to_metric_families(metrics(controller))
        for sample in family.samples
        if sample.name == "understudy_active_input"
    }


async def _assert_told(controller: Controller, settings: CommonSettings, guids: dict[str, str]) -> None:
    """ACTIVE_INPUT and the metrics say where each endpoint is."""
    bus = await jetstream.connect(settings, name="test")
    try:
        bucket = KeyValue(bus, keys.ACTIVE_INPUT_BUCKET)
        for name in guids:
            value = (await bucket.get(name)).value
            assert value is not None
            assert codec.decode_as(ActiveInput, value).active_input == 2
    finally:
        await bus.close()
    followed = {(name, str(one)): float(one == 2) for name in guids for one in keys.INPUTS}
    # One that has just begun reads its shards before it tells of them.
    await eventually_beside(lambda: followed_inputs(controller) == followed, what=f"{followed}", poll_seconds=0.2)
    status, ready = controller.json("GET", "/readyz")
    assert (status, ready["ready"]) == (200, True)


async def test_a_deleted_endpoint_leaves_no_series_and_decides_nothing_more(
    tmp_path: Path, nats_server: NatsServer
) -> None:
    settings = CommonSettings(nats_url=nats_server.url)
    with Controller(tmp_path, nats_url=nats_server.url) as controller:
        channel, guids = create(controller)
        t0 = time.time() + 0.3
        messages = [one for one in broadcast(t0) if one.instant < EPOCH + 5 * TICKS_PER_SECOND]
        await publish_in_real_time(settings, channel, messages, t0)
        for name in guids:
            assert controller.json("DELETE", f"/origin_endpoints/{name}")[0] == 202
        assert controller.json("DELETE", "/channels/show")[0] == 202
        assert 'channel="show"' not in metrics(controller)
        subject = keys.program_subject(shard_of(channel), guids["one"])
        before = len(await read(settings, keys.PROGRAM_STREAM, subject))
        assert before > 0
        late = [one for one in broadcast(t0) if one.instant >= EPOCH + 5 * TICKS_PER_SECOND]
        await publish_in_real_time(settings, channel, late[:20], time.time() - 100)
        assert len(await read(settings, keys.PROGRAM_STREAM, subject)) == before


async def test_what_happened_while_the_controller_was_away_is_made_up_for(
    tmp_path: Path, nats_server: NatsServer
) -> None:
    """An endpoint was deleted that its snapshot knows, and ACTIVE_INPUT was not written after the last entry."""
    settings = CommonSettings(nats_url=nats_server.url)
    with Controller(tmp_path, nats_url=nats_server.url) as controller:
        channel, guids = create(controller)
        t0 = time.time() + 0.3
        messages = broadcast(t0)
        early = [one for one in messages if one.instant < EPOCH + 5 * TICKS_PER_SECOND]
        await publish_in_real_time(settings, channel, early, t0)
        controller.stop()
        bus = await jetstream.connect(settings, name="test")
        try:
            await KeyValue(bus, keys.CONFIG_BUCKET).delete(keys.origin_endpoint_key("one"))
            active_inputs = KeyValue(bus, keys.ACTIVE_INPUT_BUCKET)
            written = (await active_inputs.get("two")).value
            assert written is not None
            right = codec.decode_as(ActiveInput, written)
            stale = replace(right, active_input=3 - right.active_input, program_sequence=0)
            await active_inputs.put("two", codec.encode(stale))
            controller.start()
            await asyncio.to_thread(controller.wait_until_answering)
            late = [one for one in messages if one.instant >= EPOCH + 5 * TICKS_PER_SECOND]
            await publish_in_real_time(settings, channel, late[:40], time.time() - 100)
            await _wait_for_entries(settings, channel, guids["two"], more_than=right.media_sequence + 3)
            corrected = (await active_inputs.get("two")).value
            assert corrected is not None
            assert codec.decode_as(ActiveInput, corrected).active_input == right.active_input
        finally:
            await bus.close()
        assert controller.alive()


async def _wait_for_entries(settings: CommonSettings, channel: str, guid: str, *, more_than: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(await read(settings, keys.PROGRAM_STREAM, keys.program_subject(shard_of(channel), guid))) <= more_than:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)

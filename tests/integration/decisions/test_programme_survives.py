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

from support.control_process import Controller
from support.nats_server import NatsServer
from support.synthetic import EPOCH, Message, SyntheticEncoder
from understudy_domain import codec, keys
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ActiveInput, ProgramEntry
from understudy_domain.facts import (
    ChannelRemoved,
    EndpointConfigured,
    EndpointRemoved,
    MultivariantArrived,
    PlaylistArrived,
    SegmentArrived,
    Tick,
)
from understudy_domain.fold import ChannelFold
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime import jetstream
from understudy_runtime.kv import KeyValue
from understudy_runtime.messages import StoredMessage
from understudy_runtime.settings import CommonSettings

SHARDS = 16
SEGMENT_SECONDS = 0.5
SEGMENTS = 34
ENDPOINTS = {"one": (1, 0), "two": (2, 0), "delayed": (1, 3)}
Facts = SegmentArrived | PlaylistArrived | MultivariantArrived | EndpointConfigured | EndpointRemoved | ChannelRemoved


def create(controller: Controller) -> tuple[str, dict[str, str]]:
    """A channel with endpoints through the API: its guid, and the endpoints' guids by id."""
    status, channel = controller.json("POST", "/channels", {"id": "show"})
    assert status == 200
    guids = {}
    for name, (seconds, delay) in ENDPOINTS.items():
        body = {
            "id": name,
            "channelId": "show",
            "timeDelaySeconds": delay,
            "hlsPackage": {"segmentDurationSeconds": seconds},
        }
        status, endpoint = controller.json("POST", "/origin_endpoints", body)
        assert status == 200, endpoint
        guids[name] = endpoint["arn"].rpartition("/")[2]
    return channel["arn"].rpartition("/")[2], guids


async def publish_in_real_time(settings: CommonSettings, channel: str, messages: list[Message], t0: float) -> None:
    """Each fact at its time."""
    bus = await jetstream.connect(settings, name="test")
    try:
        shard = keys.shard_of(channel, shards=SHARDS)
        for message in sorted(messages, key=lambda one: one.instant):
            await asyncio.sleep(max(t0 + (message.instant - EPOCH) / TICKS_PER_SECOND - time.time(), 0))
            assert message.input_id is not None
            subject = keys.arrivals_subject(shard, channel, message.input_id)
            await bus.publish(subject, codec.encode(message.fact), message_id=f"{message.input_id}-{message.instant}")
    finally:
        await bus.close()


async def read(settings: CommonSettings, stream: str, subject: str) -> list[StoredMessage]:
    """All that a log holds of a subject."""
    bus = await jetstream.connect(settings, name="test")
    try:
        return await bus.fetch(stream, subject)
    finally:
        await bus.close()


def folded(log: list[StoredMessage], channel: str) -> dict[str, list[bytes]]:
    """What the core makes of a whole log, from its first message."""
    fold = ChannelFold(ChannelState(channel))
    entries: dict[str, list[bytes]] = {}
    for message in log:
        subject = keys.parse_arrivals_subject(message.subject)
        fact = codec.decode(message.payload)
        if isinstance(fact, Tick):
            made = fold.pass_time(message.instant)
        else:
            assert isinstance(fact, Facts)
            made = fold.apply(fact, input_id=subject.input_id, instant=message.instant, sequence=message.sequence)
        for entry in made:
            entries.setdefault(entry.origin_endpoint, []).append(codec.encode(entry))
    return entries


def broadcast(t0: float) -> list[Message]:
    """Input 1 dies in the middle; input 2 is a little behind."""
    offset = t0 - EPOCH / TICKS_PER_SECOND
    one = SyntheticEncoder(
        1, segment_seconds=SEGMENT_SECONDS, date_offset_seconds=offset, lost=set(range(14, 24)), late={8: 0.3}
    )
    two = SyntheticEncoder(2, segment_seconds=SEGMENT_SECONDS, date_offset_seconds=offset, lag_seconds=0.6)
    return [*one.messages(range(SEGMENTS)), *two.messages(range(SEGMENTS))]


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
        entries = await _wait_for_the_end(settings, channel, guids)
        log = await read(settings, keys.ARRIVALS_STREAM, keys.arrivals_filter(_shard(channel)))
        expected = folded(log, channel)
        for name, guid in guids.items():
            assert entries[guid] == expected[guid][: len(entries[guid])], name
            shown = [codec.decode_as(ProgramEntry, payload) for payload in entries[guid]]
            assert [entry.media_sequence for entry in shown] == list(range(len(shown)))
            assert [entry.reason for entry in shown if entry.reason is not Reason.KEEP] == [
                Reason.START,
                Reason.FAILOVER,
            ]
            assert not any(entry.discontinuity for entry in shown)
        await _assert_told(controller, settings, guids)


def _shard(channel: str) -> int:
    return keys.shard_of(channel, shards=SHARDS)


async def _wait_for_the_end(settings: CommonSettings, channel: str, guids: dict[str, str]) -> dict[str, list[bytes]]:
    """The entries, once the broadcast is published to its last whole slot."""
    deadline = time.monotonic() + 20
    while True:
        entries = {
            guid: [
                message.payload
                for message in await read(settings, keys.PROGRAM_STREAM, keys.program_subject(_shard(channel), guid))
            ]
            for guid in guids.values()
        }
        ends = {
            guid: sum(len(codec.decode_as(ProgramEntry, payload).renditions[0].pieces) for payload in made)
            for guid, made in entries.items()
        }
        if all(end >= SEGMENTS - 4 for end in ends.values()):
            return entries
        assert time.monotonic() < deadline, ends
        await asyncio.sleep(0.2)


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
    text = metrics(controller)
    for name in guids:
        assert f'understudy_active_input{{channel="show",input="2",origin_endpoint="{name}"}} 1.0' in text
        assert f'understudy_active_input{{channel="show",input="1",origin_endpoint="{name}"}} 0.0' in text
    status, ready = controller.json("GET", "/readyz")
    assert (status, ready["ready"]) == (200, True)


def metrics(controller: Controller) -> str:
    """What the controller exposes."""
    return controller.request("GET", "/metrics")[2].decode()


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
        subject = keys.program_subject(_shard(channel), guids["one"])
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
    deadline = time.monotonic() + 20
    while len(await read(settings, keys.PROGRAM_STREAM, keys.program_subject(_shard(channel), guid))) <= more_than:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)

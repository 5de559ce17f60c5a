"""``understudy picture``: what a running stack's two logs say of the last minutes of a channel, as an SVG."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeVar

from understudy_domain import codec, keys, ticks
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedRecord
from understudy_domain.facts import SegmentArrived
from understudy_local.data_directory import DataDirectory
from understudy_local.errors import PictureFailed
from understudy_local.picture_drawing import draw
from understudy_local.picture_strip import Endpoint, Strip, arrivals_of, slots_of
from understudy_runtime import clock, jetstream
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage
from understudy_runtime.settings import CommonSettings
from understudy_runtime.streams import kv_stream, kv_subject

_PATIENCE_SECONDS: Final = 10.0
_BEFORE: Final = ticks.from_seconds(30)
"""Read so much before what is drawn: what is cut by the left edge began earlier."""

T = TypeVar("T")


def draw_running(directory: DataDirectory, *, channel_id: str, last_seconds: float, output: Path) -> Strip:
    """Draw the channel's last ``last_seconds`` on the stack that runs on ``directory`` into ``output``.

    Raises:
        StackNotRunning: none does.
        PictureFailed: there is no such channel, its NATS server gives no answer, or the file cannot be written.
    """
    directory.require_running()
    stack = directory.read_stack()
    strip = asyncio.run(_read(stack["nats_url"], channel_id=channel_id, last_seconds=last_seconds))
    try:
        output.write_text(draw(strip))
    except OSError as err:
        raise PictureFailed(f"{output} cannot be written: {err.strerror}.") from err
    return strip


async def _read(nats_url: str, *, channel_id: str, last_seconds: float) -> Strip:
    settings = CommonSettings(nats_url=nats_url)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            bus = await jetstream.connect(settings, name="understudy picture")
            try:
                end = clock.now_ticks()
                begin = end - ticks.from_seconds(last_seconds)
                return await _strip(bus, channel_id, begin=begin, end=end, shards=settings.shards)
            finally:
                await bus.close()
    except (TimeoutError, BusUnavailable) as err:
        raise PictureFailed("the stack's NATS server gives no answer; see its log in the data directory.") from err


async def _strip(bus: Bus, channel_id: str, *, begin: int, end: int, shards: int) -> Strip:
    bucket = keys.CONFIG_BUCKET
    configured = await bus.fetch(kv_stream(bucket), kv_subject(bucket, ">"))
    channel = next((one for one in _decoded(Channel, configured) if one.id == channel_id), None)
    if channel is None:
        raise PictureFailed(f"there is no channel {channel_id}.")
    shard = keys.shard_of(channel.guid, shards=shards)
    inputs = {}
    for input_id in keys.INPUTS:
        subject = keys.arrivals_subject(shard, channel.guid, input_id)
        messages = await bus.fetch(keys.ARRIVALS_STREAM, subject, start_time=begin - _BEFORE)
        inputs[input_id] = arrivals_of(
            (message.instant, fact) for message in messages for fact in _decoded(SegmentArrived, [message])
        )
    endpoints = []
    for endpoint in sorted(_decoded(OriginEndpoint, configured), key=lambda one: (one.time_delay_seconds, one.id)):
        if endpoint.channel_guid == channel.guid:
            subject = keys.program_subject(shard, endpoint.guid)
            messages = await bus.fetch(keys.PROGRAM_STREAM, subject, start_time=begin - _BEFORE - endpoint.time_delay)
            slots = slots_of(_decoded(ProgramEntry, messages))
            endpoints.append(
                Endpoint(endpoint.id, endpoint.hls_package.segment_duration_seconds, endpoint.time_delay_seconds, slots)
            )
    return Strip(channel_id, begin, end, inputs, tuple(endpoints))


def _decoded(kind: type[T], messages: Iterable[StoredMessage]) -> list[T]:
    """Those messages that are a ``kind``."""
    found = []
    for message in messages:
        if not message.payload:
            continue  # the mark of a deleted key
        try:
            value = codec.decode(message.payload)
        except MalformedRecord:
            continue  # of another release; the services count and report such
        if isinstance(value, kind):
            found.append(value)
    return found

"""Channels whose retention is watched: what stands of them in NATS and in the storage."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace

from support.broadcast import SHARDS
from support.control_process import Controller
from support.synthetic import EPOCH, Message, SyntheticEncoder
from understudy_domain import codec, keys
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import SegmentArrived
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.kv import KeyValue
from understudy_runtime.objectkeys import ObjectKeys
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings

SEGMENT_SECONDS = 0.5


def controller_settings(settings: CommonSettings, **more: str) -> dict[str, str]:
    """What a controller process is told so that it removes what it may at once."""
    secret = settings.s3_secret_access_key
    assert secret is not None
    return {
        "s3_endpoint_url": settings.s3_endpoint_url or "",
        "s3_bucket": settings.s3_bucket,
        "s3_access_key_id": settings.s3_access_key_id or "",
        "s3_secret_access_key": secret.get_secret_value(),
        "retention_interval_seconds": "0.5",
        "retention_margin_seconds": "1",
        **more,
    }


def both_inputs(t0: float, numbers: range) -> list[Message]:
    """What two encoders of one programme deliver, of which segment 0 begins at ``t0`` (Unix time)."""
    offset = t0 - EPOCH / TICKS_PER_SECOND
    encoders = [SyntheticEncoder(n, segment_seconds=SEGMENT_SECONDS, date_offset_seconds=offset) for n in keys.INPUTS]
    return [message for one in encoders for message in one.messages(numbers)]


@dataclass
class Studio:
    """Delivers to channels as ingest would, and looks at what stands."""

    bus: Bus
    config: ConfigStore
    storage: ObjectStore
    object_keys: ObjectKeys

    @classmethod
    async def open(cls, settings: CommonSettings) -> Studio:
        bus = await connect(settings, name="test")
        await bus.ensure_streams()
        config = ConfigStore(bus)
        await config.start()
        return cls(bus, config, ObjectStore(settings), ObjectKeys(settings))

    async def close(self) -> None:
        await self.config.stop()
        await self.bus.close()

    async def deliver(self, channel: str, messages: list[Message], t0: float) -> None:
        """Each segment at its time: the object first, under a key of the time, then the fact."""
        shard = keys.shard_of(channel, shards=SHARDS)
        for message in sorted(messages, key=lambda one: one.instant):
            await asyncio.sleep(max(t0 + (message.instant - EPOCH) / TICKS_PER_SECOND - time.time(), 0))
            assert message.input_id is not None
            fact = message.fact
            if isinstance(fact, SegmentArrived):
                fact = replace(fact, object_key=self.object_key(channel, message), size=1000)
                await self.storage.put(fact.object_key, b"x" * fact.size)
            subject = keys.arrivals_subject(shard, channel, message.input_id)
            await self.bus.publish(subject, codec.encode(fact))

    @staticmethod
    def object_key(channel: str, message: Message) -> str:
        assert message.input_id is not None
        upload = f"{message.instant:016x}"
        return keys.media_object_key(
            channel, message.input_id, received_milliseconds=int(time.time() * 1000), upload=upload, suffix="ts"
        )

    async def objects(self, channel: str) -> list[str]:
        """The keys of a channel's objects."""
        return [one.key for one in await self.object_keys.first(keys.media_prefix(channel))]

    async def entries(self, channel: str, endpoint: str) -> list[ProgramEntry]:
        """What PROGRAM holds of an endpoint, by guids."""
        subject = keys.program_subject(keys.shard_of(channel, shards=SHARDS), endpoint)
        messages = await self.bus.fetch(keys.PROGRAM_STREAM, subject)
        return [codec.decode_as(ProgramEntry, message.payload) for message in messages]

    async def missing(self, channel: str, endpoint: str) -> list[str]:
        """Objects that an entry names and that are not there."""
        entries = await self.entries(channel, endpoint)
        stored = set(await self.objects(channel))
        named = (piece for entry in entries for rendition in entry.renditions for piece in rendition.pieces)
        return [piece.object_key for piece in named if piece.object_key not in stored]

    async def left_of(self, channel: str, endpoints: dict[str, str]) -> list[str]:
        """Everything that still speaks of a channel and its endpoints, but for events."""
        found = [*await self.objects(channel)]
        for stream, subjects in ((keys.ARRIVALS_STREAM, "arrivals.>"), (keys.PROGRAM_STREAM, "program.>")):
            found += await self.bus.subjects(stream, subjects)
        for bucket in (keys.SNAPSHOTS_BUCKET, keys.ACTIVE_INPUT_BUCKET):
            found += [f"{bucket} {key}" for key in await KeyValue(self.bus, bucket).keys()]
        names = [channel, *endpoints, *endpoints.values()]
        return [one for one in found if any(name in one for name in names)]


def create(controller: Controller, channel_id: str = "show", *endpoints: str) -> tuple[str, dict[str, str]]:
    """A channel and endpoints of 1 s slots and the shortest window: its guid, and theirs by id."""
    status, channel = controller.json("POST", "/channels", {"id": channel_id})
    assert status == 200
    guids = {}
    for endpoint_id in endpoints:
        package = {"segmentDurationSeconds": 1, "playlistWindowSeconds": 1}
        body = {"id": endpoint_id, "channelId": channel_id, "hlsPackage": package}
        status, endpoint = controller.json("POST", "/origin_endpoints", body)
        assert status == 200, endpoint
        guids[endpoint_id] = endpoint["arn"].rpartition("/")[2]
    return channel["arn"].rpartition("/")[2], guids

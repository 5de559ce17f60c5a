"""Writes what the other services would write for egress: configuration, entries, objects."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from support.program_entries import CHANNEL_GUID, make_entry, make_piece, make_video
from support.transport_stream import make_transport_stream, running_counters
from understudy_domain import codec, keys, ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.counters import Counters, continue_counters
from understudy_domain.entry import ProgramEntry
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import Bus
from understudy_runtime.objectstore import ObjectStore

PACKETS = 400
"""In each input segment."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An origin endpoint and where egress shows what is published of it."""

    endpoint: OriginEndpoint

    @property
    def multivariant(self) -> str:
        """The path of its multivariant playlist."""
        return keys.multivariant_path(self.endpoint.guid, self.endpoint.manifest_name)

    @property
    def media(self) -> str:
        """The path of its one media playlist."""
        return self.multivariant.replace(".m3u8", "_v1.m3u8")

    def segment(self, number: int) -> str:
        """The path of a segment."""
        return f"/out/v1/{self.endpoint.guid}/r1/v1/{number}.ts"


class ProgramPublisher:
    """Two input segments of a second each make a slot; slots end at whole multiples of two seconds of the clock."""

    slot_duration = ticks.from_seconds(2)

    def __init__(
        self, bus: Bus, config: ConfigStore, store: ObjectStore, *, shards: int, first_date: int | None = None
    ) -> None:
        """``first_date``: program date time of each endpoint's first slot, ticks since the epoch; now unless told."""
        self.bus = bus
        self.config = config
        self._store = store
        self._shards = shards
        self._numbers: dict[str, int] = {}
        self._counters: dict[str, Counters] = {}
        self.first_date = clock.now_ticks() if first_date is None else first_date
        # The S3 server is shared between tests, and no key may come twice.
        self._run = secrets.token_hex(8)

    async def configure(self, endpoint: OriginEndpoint) -> None:
        """Create or change an origin endpoint."""
        known = self.config.origin_endpoint_by_guid(endpoint.guid)
        if known is None:
            await self.config.create(endpoint)
        else:
            await self.config.update(endpoint, known.revision)

    async def remove(self, endpoint: OriginEndpoint) -> None:
        """Delete an origin endpoint."""
        known = self.config.origin_endpoint_by_guid(endpoint.guid)
        assert known is not None
        await self.config.delete(endpoint, known.revision)

    async def publish(
        self, endpoint: OriginEndpoint, *, available_at: int | None = None, with_objects: bool = True
    ) -> ProgramEntry:
        """The endpoint's next entry, available now unless told."""
        number = self._numbers.get(endpoint.guid, -1) + 1
        self._numbers[endpoint.guid] = number
        bodies = [make_transport_stream(PACKETS, seed=2 * number + half) for half in range(2)]
        shifts, standing = continue_counters(map(running_counters, bodies), self._counters.get(endpoint.guid))
        self._counters[endpoint.guid] = standing
        duration = self.slot_duration // 2
        pieces = [
            replace(
                make_piece(2 * number + half, duration=duration, size=len(body)),
                object_key=self._object_key(endpoint, 2 * number + half),
                shifts=shifts[half],
            )
            for half, body in enumerate(bodies)
        ]
        if with_objects:
            for piece, body in zip(pieces, bodies, strict=True):
                await self._store.put(piece.object_key, body)
        entry = replace(
            make_entry(number, slot_duration=self.slot_duration, renditions=[make_video(*pieces)], endpoint=endpoint),
            program_date_time=self.first_date + number * self.slot_duration,
            available_at=clock.now_ticks() if available_at is None else available_at,
        )
        await self.append(entry, endpoint)
        return entry

    async def append(self, entry: ProgramEntry, endpoint: OriginEndpoint) -> None:
        """Append an entry as it is."""
        await self.bus.publish(self.subject(endpoint), codec.encode(entry))

    def subject(self, endpoint: OriginEndpoint) -> str:
        """Where the endpoint's entries stand."""
        return keys.program_subject(keys.shard_of(endpoint.channel_guid, shards=self._shards), endpoint.guid)

    def _object_key(self, endpoint: OriginEndpoint, number: int) -> str:
        upload = f"{endpoint.guid}{self._run}{number:08x}"
        return keys.media_object_key(CHANNEL_GUID, 1, received_milliseconds=number, upload=upload, suffix="ts")

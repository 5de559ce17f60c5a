"""What is left of channels and origin endpoints that were deleted, whoever was there to see it.

What the configuration does not know is removed, but only what this installation's NATS speaks of. Media of which NATS
knows nothing is left alone: a bucket may be shared, and a controller that is pointed at the wrong NATS must not take
every channel of the right one for deleted.

What exists is asked first and the configuration afterwards: whatever writes has seen the configuration before it wrote.
A deleted channel is kept in mind (``RemovedChannel``) until a while after nothing was found of it: an upload may have
been under way. That is written before what speaks of the channel is removed, so no interruption makes it forgotten.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from understudy_controller.loop.channels import Channels
from understudy_controller.loop.media import Media
from understudy_controller.loop.retention_metrics import RetentionMetrics
from understudy_controller.loop.shards import Shards
from understudy_domain import codec, keys, ticks
from understudy_domain.errors import MalformedKey, MalformedRecord
from understudy_domain.retention import RemovedChannel
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import AlreadyExists, NotFound
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue

_log = logging.getLogger(__name__)

_IN_MIND_MAX = ticks.from_seconds(600)
"""How long a deleted channel is kept in mind: longer than an upload takes that was under way."""
_MARKS_KEPT = ticks.from_seconds(24 * 3600)
"""How long the mark of a deletion stays in CONFIG, for processes that were cut off: they must hear of it."""
_MARKS_INTERVAL = ticks.from_seconds(3600)


@dataclass(slots=True)
class _Found:
    """What NATS speaks of, of the shards that this process decides for."""

    endpoints: list[tuple[int, str]] = field(default_factory=list)
    """Shard and guid of those that have entries."""
    channels: dict[str, int] = field(default_factory=dict)
    """Shards by guid."""
    arrivals: set[str] = field(default_factory=set)
    """Guids of channels that have messages in ARRIVALS."""
    snapshots: set[str] = field(default_factory=set)
    """Guids of channels that have a snapshot."""
    active_inputs: list[str] = field(default_factory=list)
    """Ids of endpoints."""


class Remnants:
    """Finds and removes them."""

    def __init__(
        self,
        bus: Bus,
        store: ConfigStore,
        channels: Channels,
        shards: Shards,
        media: Media,
        metrics: RetentionMetrics,
        *,
        holds: Callable[[int], bool],
        margin: int,
    ) -> None:
        """``holds``: whether a shard is this process's; ``margin`` in ticks."""
        self._bus = bus
        self._store = store
        self._channels = channels
        self._shards = shards
        self._media = media
        self._metrics = metrics
        self._holds = holds
        self._in_mind = min(margin, _IN_MIND_MAX)
        self._snapshots = KeyValue(bus, keys.SNAPSHOTS_BUCKET)
        self._active_inputs = KeyValue(bus, keys.ACTIVE_INPUT_BUCKET)
        self._config = KeyValue(bus, keys.CONFIG_BUCKET)
        self._marks_removed_at: int | None = None

    async def remove(self) -> None:
        """One round.

        Raises:
            BusUnavailable, StorageUnavailable: no answer; what is left is found again.
        """
        found = await self._find()
        await self._store.ensure_current()
        if self._store.unreadable:
            _log.warning(
                "nothing deleted is removed: the configuration holds what this release cannot read",
                extra={"keys": sorted(self._store.unreadable)},
            )
            return
        for shard, guid in found.endpoints:
            await self._remove_programme(shard, guid)
        for guid, shard in found.channels.items():
            if self._store.channel_by_guid(guid) is None and guid not in self._channels and self._holds(shard):
                await self._remove_channel(guid, shard, found)
        for endpoint_id in found.active_inputs:
            if endpoint_id not in self._store.origin_endpoints:
                await self._remove_active_input(endpoint_id)
        await self._remove_marks()

    async def _find(self) -> _Found:
        found = _Found()
        numbers = [number for number in sorted(self._shards.owned) if self._shards.current(number) is not None]
        for number in numbers:
            for subject in await self._bus.subjects(keys.PROGRAM_STREAM, keys.program_filter(number)):
                try:
                    found.endpoints.append(keys.parse_program_subject(subject))
                except MalformedKey:
                    continue
            for subject in await self._bus.subjects(keys.ARRIVALS_STREAM, keys.arrivals_filter(number)):
                try:
                    guid = keys.parse_arrivals_subject(subject).channel_guid
                except MalformedKey:
                    continue
                if guid is not None:
                    found.channels[guid] = number
                    found.arrivals.add(guid)
        for key in await self._snapshots.keys():
            guid = keys.channel_of_snapshot_key(key)
            if guid is not None and (number := self._channels.shard_of(guid)) in numbers:
                found.channels[guid] = number
                if key == keys.channel_snapshot_key(guid):
                    found.snapshots.add(guid)
        if self._tidies_up:
            found.active_inputs = await self._active_inputs.keys()
        return found

    @property
    def _tidies_up(self) -> bool:
        """Whether this process sees to what belongs to no shard."""
        return self._holds(0)

    async def _remove_programme(self, shard: int, guid: str) -> None:
        if self._store.origin_endpoint_by_guid(guid) is not None or self._channels.appender.knows(guid):
            return
        # Pages first: that there was such an endpoint is known by what stands in PROGRAM. Where there were some, one
        # more may be on its way: the next round looks again.
        if self._holds(shard) and not await self._media.remove_all(keys.index_pages_prefix(guid), shard=shard):
            removed = await self._bus.purge(keys.PROGRAM_STREAM, keys.program_subject(shard, guid))
            self._metrics.entries.inc(removed)

    async def _remove_channel(self, guid: str, shard: int, found: _Found) -> None:
        begun = await self._begun(guid)
        left = 0
        if guid in found.arrivals:
            left += await self._bus.purge(keys.ARRIVALS_STREAM, keys.channel_arrivals_filter(shard, guid))
        if guid in found.snapshots:
            await self._snapshots.purge(keys.channel_snapshot_key(guid))
            left += 1
        left += await self._media.remove_all(keys.media_prefix(guid), shard=shard)
        if not left and clock.now_ticks() - begun >= self._in_mind and self._holds(shard):
            await self._snapshots.purge(keys.removed_channel_key(guid))
            _log.info("nothing is left of a deleted channel", extra={"channel_guid": guid})

    async def _begun(self, guid: str) -> int:
        """When the removal of a channel began; it is kept in mind from now on."""
        key, now = keys.removed_channel_key(guid), clock.now_ticks()
        try:
            value = (await self._snapshots.get(key)).value
            return codec.decode_as(RemovedChannel, value or b"").since
        except (NotFound, MalformedRecord):
            _log.info("removing what is left of a deleted channel", extra={"channel_guid": guid})
        try:
            await self._snapshots.create(key, codec.encode(RemovedChannel(guid, now)))
        except AlreadyExists:
            await self._snapshots.put(key, codec.encode(RemovedChannel(guid, now)))
        return now

    async def _remove_active_input(self, endpoint_id: str) -> None:
        revision = await self._active_inputs.revision_of(endpoint_id)
        # An endpoint of this id may have been created since: what it writes is newer, and stays.
        if revision is not None and endpoint_id not in self._store.origin_endpoints:
            await self._active_inputs.purge(endpoint_id, revision=revision)

    async def _remove_marks(self) -> None:
        """What deletions leave in CONFIG."""
        now = clock.now_ticks()
        if self._tidies_up and (self._marks_removed_at is None or now - self._marks_removed_at > _MARKS_INTERVAL):
            await self._config.forget_deleted(before=now - _MARKS_KEPT)
            self._marks_removed_at = now

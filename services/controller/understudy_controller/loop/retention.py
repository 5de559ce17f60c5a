"""Retention: entries that no window reaches, or that index pages hold, objects that nothing can name, and remnants.

In the background of the decisions, for the shards that this process holds and no other. Rules of what may go are in the
domain (``retention``); here it is done, in rounds, in bounded batches, each asked for only while the lease is held.
NATS or the storage being away ends a part of a round; the next round takes it up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from understudy_controller.loop.channels import Channels
from understudy_controller.loop.harvest_pins import HarvestPins
from understudy_controller.loop.kept import Kept
from understudy_controller.loop.media import Media
from understudy_controller.loop.pages import Pages
from understudy_controller.loop.remnants import Remnants
from understudy_controller.loop.retention_metrics import RetentionMetrics
from understudy_controller.loop.shard import Shard
from understudy_controller.loop.shards import Shards
from understudy_controller.settings import ControllerSettings
from understudy_domain import keys, ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import NewerRecord
from understudy_domain.retention import held_object_keys, removable_before
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import BusRefused, BusUnavailable, StorageUnavailable
from understudy_runtime.jetstream import Bus

_log = logging.getLogger(__name__)

_READ_MAX = 20_000
"""Entries that are read in a round, of programmes that are not known yet: about a second's work."""
_PAGED_MAX = 10_000
"""Entries that are put into index pages in a round: some seconds' work, cut into pieces."""
_PAUSE_SECONDS = 0.01
"""Between two removals of entries: each costs the server a moment in which nothing is appended."""
_CHANNELS_AT_ONCE = 4


class Retention:
    """Removes for as long as the process decides."""

    def __init__(
        self,
        bus: Bus,
        store: ConfigStore,
        channels: Channels,
        shards: Shards,
        metrics: RetentionMetrics,
        settings: ControllerSettings,
        *,
        holds: Callable[[int], bool],
    ) -> None:
        """``holds``: whether a shard is this process's."""
        self._bus = bus
        self._store = store
        self._channels = channels
        self._shards = shards
        self._metrics = metrics
        self._holds = holds
        self._interval_seconds = settings.retention_interval_seconds
        self._margin = ticks.from_seconds(settings.retention_margin_seconds)
        self._kept = Kept(bus, shards=settings.shards, margin=self._margin, current=shards.current)
        self._harvest_pins = HarvestPins(bus, is_ours=lambda guid: holds(keys.shard_of(guid, shards=settings.shards)))
        metrics.harvest_oldest.set_function(self._harvest_pins.oldest_seconds)
        self._media = Media(settings, metrics, holds=holds)
        self._pages = Pages(bus, settings, metrics, holds=holds)
        self._remnants = Remnants(bus, store, channels, shards, self._media, metrics, holds=holds, margin=self._margin)

    def appended(self, entry: ProgramEntry, sequence: int) -> None:
        """An entry stands in PROGRAM that this process has appended."""
        self._kept.appended(entry, sequence)

    async def run(self) -> None:
        """Remove for ever; an interval of 0 is never."""
        while self._interval_seconds > 0:
            await asyncio.sleep(self._interval_seconds)
            self._kept.forget_others()
            # Without the jobs and the whole configuration nobody knows what may go.
            if not await self._is_done(self._check_configuration) or not await self._is_done(self._harvest_pins.read):
                continue
            parts = (self._remove_entries, self._see_to_pages, self._remove_media, self._remnants.remove)
            if all([await self._is_done(part) for part in parts]):
                self._metrics.finished()

    async def _check_configuration(self) -> None:
        if self._store.unreadable:
            named = ", ".join(sorted(self._store.unreadable))
            raise NewerRecord(f"the configuration holds what this release cannot read: {named:.256}")

    async def _is_done(self, part: Callable[[], Awaitable[None]]) -> bool:
        try:
            await part()
        except (BusUnavailable, BusRefused, StorageUnavailable, TimeoutError, NewerRecord) as err:
            _log.warning("retention goes on in the next round: %s", str(err) or "no answer in time")
        except Exception:  # noqa: BLE001  # whatever it is, decisions matter more
            _log.exception("retention failed, it goes on in the next round")
        else:
            return True
        self._metrics.errors.inc()
        return False

    def _channels_now(self) -> Iterator[tuple[Shard, str, list[OriginEndpoint]]]:
        """The channels (guids) that this process decides for, with their endpoints as far as they are to be kept."""
        for versioned in list(self._store.channels.values()):
            guid = versioned.value.guid
            shard = self._shards.current(self._channels.shard_of(guid))
            if shard is not None:
                endpoints = self._store.origin_endpoints_of(guid)
                yield shard, guid, [self._harvest_pins.kept(one.value) for one in endpoints]

    # --- entries ------------------------------------------------------------------------------------------------------

    async def _remove_entries(self) -> None:
        budget = _READ_MAX
        known: dict[Shard, set[str]] = {}
        for shard, _, endpoints in self._channels_now():
            known.setdefault(shard, set()).update(one.guid for one in endpoints)
            for endpoint in endpoints:
                if budget > 0:
                    budget -= await self._kept.read(shard, endpoint, entries_max=budget)
                await self._remove_entries_of(shard, endpoint)
            await asyncio.sleep(0)
        for shard, guids in known.items():
            self._kept.forget(shard, guids)

    async def _remove_entries_of(self, shard: Shard, endpoint: OriginEndpoint) -> None:
        kept = self._kept.of(shard, endpoint)
        programme = kept.programme
        count = programme.removable(endpoint, now=clock.now_ticks(), margin=self._margin, unpaged=kept.unpaged)
        if not count or not self._holds(shard.number):
            return
        subject = keys.program_subject(shard.number, endpoint.guid)
        # The first entry that stays is named, so that nothing later can go with the others, whatever comes meanwhile.
        await self._bus.purge(keys.PROGRAM_STREAM, subject, before_sequence=programme.runs[count].first_sequence)
        self._metrics.entries.inc(programme.drop(count))
        await asyncio.sleep(_PAUSE_SECONDS)

    # --- index pages --------------------------------------------------------------------------------------------------

    async def _see_to_pages(self) -> None:
        budget = _PAGED_MAX
        for shard, _, endpoints in self._channels_now():
            for endpoint in endpoints:
                kept = self._kept.of(shard, endpoint)
                await self._pages.find(endpoint, kept)
                await self._pages.remove(shard, endpoint, kept, margin=self._margin)
                if budget > 0:
                    budget -= await self._pages.make(shard, endpoint, kept, entries_max=budget)
            await asyncio.sleep(0)

    # --- objects ------------------------------------------------------------------------------------------------------

    async def _remove_media(self) -> None:
        channels = self._channels_now()
        failures: list[StorageUnavailable] = []

        async def work() -> None:
            for shard, guid, endpoints in channels:
                if failures:
                    return
                try:
                    await self._remove_media_of(shard, guid, endpoints)
                except StorageUnavailable as err:
                    failures.append(err)
                await asyncio.sleep(0)  # a thousand channels of which nothing goes must not hold up decisions either

        await asyncio.gather(*(work() for _ in range(_CHANNELS_AT_ONCE)))
        if failures:
            raise failures[0]

    async def _remove_media_of(self, shard: Shard, guid: str, endpoints: list[OriginEndpoint]) -> None:
        kept = [self._kept.of(shard, endpoint) for endpoint in endpoints]
        # While a decision does not stand yet, nothing says which objects it names.
        state = self._channels.settled_state(guid)
        pages = [page for one in kept for page in one.pages or ()]
        is_known = all(one.complete and one.pages is not None for one in kept)
        if state is None or not is_known or self._shards.current(shard.number) is not shard:
            return
        now = clock.now_ticks()
        read_until = min(now, shard.read_until if shard.read_until is not None else now)
        before = removable_before(
            [one.programme for one in kept], read_until=read_until, margin=self._margin, pages=pages
        )
        held = held_object_keys(state)
        for input_id in keys.INPUTS:
            await self._media.remove_before(
                keys.media_prefix(guid, input_id),
                before_milliseconds=before,
                modified_before=now - self._margin,
                held=held,
                shard=shard.number,
                looked_at=self._kept.looked_at(shard),
            )

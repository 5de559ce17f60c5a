"""One job, from its window to its asset. Whatever is told of it, its claim writes down.

In this order: look at the destination, wait until the window is over, write down the plan, copy the segments, write the
media playlists, and the multivariant playlist as the last of all. So nobody finds an asset of which a part is missing,
and whoever takes over begins behind the last slot that is known to be stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

from understudy_domain import ticks
from understudy_domain.harvest_asset import (
    AssetPlaylists,
    AssetSegment,
    HarvestFailed,
    Watermark,
    first_plan,
    is_over,
    may_be_over,
    shortfall,
    slots_of,
)
from understudy_domain.harvest_job import HarvestJob, HarvestPlan, HarvestProgress
from understudy_domain.timeshift import Cut
from understudy_harvester.claim import Claim
from understudy_harvester.counts import Counts
from understudy_harvester.pace import Pace
from understudy_harvester.patience import Patience
from understudy_harvester.settings import HarvesterSettings
from understudy_harvester.window import Programmes
from understudy_runtime import clock
from understudy_runtime.jetstream import Bus
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.output_segment import joined, read_pieces

_LOOK_SECONDS: Final = 1.0
"""How often a window that is not over is looked at."""
_PLAYLIST_TYPE: Final = "application/vnd.apple.mpegurl"
_SEGMENT_TYPE: Final = "video/mp2t"


class Harvests:
    """What the jobs of a process share. Opened with the first one: a process that waits for jobs stays small."""

    def __init__(self, bus: Bus, settings: HarvesterSettings, counts: Counts) -> None:
        self.settings = settings
        self.counts = counts
        self.media = ObjectStore(settings)
        self.programmes = Programmes(bus, self.media, settings)
        self.pace = Pace(segments_max=settings.harvest_segments_max, bytes_per_second=settings.harvest_bytes_per_second)

    async def run(self, claim: Claim) -> str:
        """Do a job; returns what is to be said of it in the end.

        Raises:
            HarvestFailed: it cannot be done.
            ClaimLost: another harvester does it.
        """
        return await Harvest(self, claim).run()


class Harvest:
    """The work at one job."""

    def __init__(self, shared: Harvests, claim: Claim) -> None:
        settings, counts = shared.settings, shared.counts
        self._claim = claim
        self._job: HarvestJob = claim.job
        self._media = shared.media
        self._destination = ObjectStore(settings.destination(self._job.destination.bucket_name))
        self._pace = shared.pace
        self._wait = ticks.from_seconds(settings.harvest_wait_seconds)
        self._counts = counts
        self._patience = Patience(seconds=settings.harvest_storage_patience_seconds, on_error=counts.failed_try)
        self._programme = shared.programmes.of(self._job, self._patience)
        self._mark: Watermark | None = None
        self._state = ""
        claim.report = self._report

    def _report(self) -> Mapping[str, Any]:
        told: dict[str, Any] = {"message": self._patience.message or self._state}
        if self._mark is not None:
            told["progress"] = HarvestProgress(self._mark.stored_up_to, self._mark.segments, self._mark.bytes)
        return told

    async def run(self) -> str:
        """As ``Harvests.run``."""
        manifest_key = self._job.destination.manifest_key
        await self._patience.until_done(manifest_key, lambda: self._destination.check_bucket(manifest_key))
        plan = self._job.plan
        if plan is None:
            plan = await self._planned(await self._window_over())
            await self._claim.write_surely(plan=plan)
        await self._copy(plan)
        await self._write_playlists(plan)
        return plan.note

    # --- the plan -----------------------------------------------------------------------------------------------------

    async def _window_over(self) -> Cut:
        """What is available of the window once nothing more is waited for."""
        self._state = "waits for the end of its window to be published"
        while True:
            newest = await self._programme.newest()
            now = clock.now_ticks()
            gave_up = now >= self._job.is_due_at + self._wait
            if gave_up or may_be_over(self._job, newest, now=now):
                found, known = await self._programme.cut(now=now)
                if is_over(self._job, found, newest, now=now, wait=self._wait, known=known):
                    self._state = ""
                    if found is None:
                        raise HarvestFailed("the origin endpoint published nothing in this window")
                    return found
            await asyncio.sleep(_LOOK_SECONDS)

    async def _planned(self, found: Cut) -> HarvestPlan:
        plan = first_plan(found, await self._programme.lineup(found))
        segments, size, begins, ends = 0, 0, self._job.end, self._job.start
        async with aclosing(self._programme.pages(plan)) as pages:
            async for page, span in pages:
                for slot in slots_of(self._job, plan, page, span):
                    segments += len(slot.segments)
                    size += sum(one.media.size for one in slot.segments)
                begins = min(begins, page.dates[span.begin])
                ends = max(ends, page.ends[span.end - 1])
                await asyncio.sleep(0)
        return replace(plan, segments=segments, bytes=size, note=shortfall(self._job, begins=begins, ends=ends))

    # --- segments -----------------------------------------------------------------------------------------------------

    async def _copy(self, plan: HarvestPlan) -> None:
        done = self._job.progress or HarvestProgress(plan.first_sequence - 1, 0, 0)
        mark = self._mark = Watermark(done.stored_up_to, done.segments, done.bytes)
        rest = replace(plan, first_sequence=mark.stored_up_to + 1)
        try:
            async with asyncio.TaskGroup() as copying, aclosing(self._programme.pages(rest)) as pages:
                async for page, span in pages:
                    for slot in slots_of(self._job, plan, page, span):
                        mark.begin(slot.media_sequence, len(slot.segments))
                        for segment in slot.segments:
                            await self._pace.enter(segment.media.size)
                            task = copying.create_task(self._copy_segment(mark, slot.media_sequence, segment))
                            task.add_done_callback(lambda _: self._pace.leave())
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        await self._claim.write_surely()

    async def _copy_segment(self, mark: Watermark, media_sequence: int, segment: AssetSegment) -> None:
        what = f"the media of segment {media_sequence} of {segment.rendition}"
        pieces = await self._patience.until_done(what, lambda: read_pieces(self._media, segment.media))
        body = await joined(segment.media, pieces)
        await self._put(segment.key, body, _SEGMENT_TYPE)
        mark.stored(media_sequence, segment.media.size)
        self._counts.segments += 1
        self._counts.bytes += segment.media.size

    # --- playlists ----------------------------------------------------------------------------------------------------

    async def _write_playlists(self, plan: HarvestPlan) -> None:
        playlists = await self._rendered(plan)
        for key, text in playlists.media_playlists().items():
            await self._put(key, text, _PLAYLIST_TYPE)
        key, text = self._job.destination.manifest_key, playlists.multivariant_playlist()

        async def publish() -> None:
            # Nobody else may have the job by now, or have called it off, also where the storage was away for minutes.
            await self._claim.write_surely()
            await self._destination.put(key, text, content_type=_PLAYLIST_TYPE)

        await self._patience.until_done(key, publish)

    async def _rendered(self, plan: HarvestPlan) -> AssetPlaylists:
        playlists = AssetPlaylists(self._job, plan)
        async with aclosing(self._programme.pages(plan)) as pages:
            async for page, span in pages:
                playlists.add(page, span)
                await asyncio.sleep(0)
        return playlists

    async def _put(self, key: str, body: bytes | memoryview, content_type: str) -> None:
        await self._patience.until_done(key, lambda: self._destination.put(key, body, content_type=content_type))

"""What stands of the programme that a job harvests, pages and log alike; storage and NATS being away is waited for."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator
from typing import Final

from understudy_domain import codec, keys
from understudy_domain.entry import ProgramEntry
from understudy_domain.harvest_asset import spans_within
from understudy_domain.harvest_job import HarvestJob, HarvestPlan
from understudy_domain.index_page import IndexPage, Lineup
from understudy_domain.timeshift import Cut, OutOfWindow, Span, TimeWindow
from understudy_harvester.patience import Patience
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.jetstream import Bus
from understudy_runtime.objectkeys import ObjectKeys
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.program_history import HistoryView, ProgramHistory
from understudy_runtime.settings import CommonSettings

_PAGES_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of index pages in memory: a job reads each three times, one after the other."""

_IN_THE_END: Final = 1 << 62
"""An instant at which everything is available, ticks since the epoch."""


class Programmes:
    """Opens programmes. One per process."""

    def __init__(self, bus: Bus, media: ObjectStore, settings: CommonSettings) -> None:
        self._bus = bus
        self._shards = settings.shards
        self._pages = IndexPages(media, ObjectKeys(settings), bytes_max=_PAGES_BYTES_MAX)

    def of(self, job: HarvestJob, patience: Patience) -> JobProgramme:
        """The programme of a job's endpoint, read with the job's patience."""
        history = ProgramHistory(self._bus, self._pages, job.origin_endpoint, shards=self._shards)
        return JobProgramme(self._bus, history, job, patience, shards=self._shards)


class JobProgramme:
    """One job's. All that is asked of it raises ``HarvestFailed`` where it cannot be answered for good."""

    def __init__(self, bus: Bus, history: ProgramHistory, job: HarvestJob, patience: Patience, *, shards: int) -> None:
        endpoint = job.origin_endpoint
        self._bus = bus
        self._endpoint = endpoint
        self._history = history
        self._patience = patience
        self._window = TimeWindow(job.start, job.end)
        self._subject = keys.program_subject(keys.shard_of(endpoint.channel_guid, shards=shards), endpoint.guid)

    async def newest(self) -> ProgramEntry | None:
        """The endpoint's newest entry; None where it has none."""

        async def work() -> ProgramEntry | None:
            message = await self._bus.last_message(keys.PROGRAM_STREAM, self._subject)
            return None if message is None else codec.decode_as(ProgramEntry, message.payload)

        return await self._patience.until_done("the newest slot", work)

    async def cut(self, *, now: int) -> tuple[Cut | None, Cut | None]:
        """What is available of the job's window, and what will be of the entries that there are; None: nothing.

        ``now`` in ticks since the epoch.
        """

        async def work() -> tuple[Cut | None, Cut | None]:
            await self._history.refresh()
            view = self._history.view(self._endpoint)
            return await self._cut(view, now), await self._cut(view, _IN_THE_END)

        return await self._patience.until_done("the window", work)

    async def _cut(self, view: HistoryView, now: int) -> Cut | None:
        try:
            return await view.cut(self._window, now=now)
        except OutOfWindow:
            return None

    async def lineup(self, found: Cut) -> Lineup | None:
        """The renditions of the newest slot of what was cut that names any."""
        view = self._history.view(self._endpoint)
        return await self._patience.until_done("the window", lambda: view.lineup(found.spans))

    async def pages(self, plan: HarvestPlan) -> AsyncGenerator[tuple[IndexPage, Span], None]:
        """What a plan consists of, in order."""
        view = await self._patience.until_done("the window", self._refreshed)
        for span in spans_within(view.spans, first=plan.first_sequence, last=plan.last_sequence):
            page = await self._patience.until_done("an index page", functools.partial(view.page, span.key))
            yield page, span

    async def _refreshed(self) -> HistoryView:
        await self._history.refresh()
        return self._history.view(self._endpoint)

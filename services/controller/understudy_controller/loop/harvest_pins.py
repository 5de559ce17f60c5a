"""What unfinished harvest jobs need of an endpoint's past: retention takes its startover window to reach there."""

from __future__ import annotations

import asyncio
from typing import Final

from understudy_domain.channel import OriginEndpoint
from understudy_domain.harvest_job import reaching_back_to
from understudy_runtime import clock
from understudy_runtime.harvest_jobs import HarvestJobs
from understudy_runtime.jetstream import Bus

_READ_SECONDS_MAX: Final = 10.0


class HarvestPins:
    """Read anew for each round."""

    def __init__(self, bus: Bus) -> None:
        self._jobs = HarvestJobs(bus)
        self._since: dict[str, int] = {}
        """By endpoint guid: where the first window of its unfinished jobs begins, ticks since the epoch."""

    async def read(self) -> None:
        """Look at the jobs.

        Raises:
            BusUnavailable: NATS is away.
            TimeoutError: no answer in time. What was known stays.
        """
        async with asyncio.timeout(_READ_SECONDS_MAX):
            jobs = await self._jobs.all()
        since: dict[str, int] = {}
        for job in jobs:
            if not job.is_done:
                guid = job.origin_endpoint.guid
                since[guid] = min(job.start, since.get(guid, job.start))
        self._since = since

    def kept(self, endpoint: OriginEndpoint) -> OriginEndpoint:
        """The endpoint as retention is to see it."""
        since = self._since.get(endpoint.guid)
        return endpoint if since is None else reaching_back_to(endpoint, since, now=clock.now_ticks())

"""What unfinished harvest jobs need of an endpoint's past: retention takes its startover window to reach there.

Not for ever: a job that no harvester has finished by its deadline fails here, since maybe none runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from understudy_domain import ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.errors import NewerRecord
from understudy_domain.harvest_job import HarvestJob, HarvestStatus, reaching_back_to
from understudy_runtime import clock
from understudy_runtime.errors import NotFound, StaleRevision
from understudy_runtime.harvest_jobs import HarvestJobs
from understudy_runtime.harvest_telling import tell
from understudy_runtime.jetstream import Bus

_log = logging.getLogger(__name__)

_READ_SECONDS_MAX: Final = 10.0
_NOT_IN_TIME: Final = "no harvester has finished it within two days of its window's end; does one run?"


class HarvestPins:
    """Read anew for each round."""

    def __init__(self, bus: Bus, *, is_ours: Callable[[str], bool]) -> None:
        """``is_ours``: whether this process decides for a channel (guid)."""
        self._bus = bus
        self._jobs = HarvestJobs(bus)
        self._is_ours = is_ours
        self._unfinished: Sequence[HarvestJob] = ()
        self._since: dict[str, int] = {}
        """By endpoint guid: where the first window of its unfinished jobs begins, ticks since the epoch."""

    async def read(self) -> None:
        """Look at the jobs, and fail those that are too old.

        Raises:
            BusUnavailable: NATS is away.
            TimeoutError: no answer in time. What was known stays.
            NewerRecord: what a job of a newer release needs cannot be said.
        """
        async with asyncio.timeout(_READ_SECONDS_MAX):
            jobs = await self._jobs.all()
        if self._jobs.newer:
            raise NewerRecord(f"a newer release has made harvest jobs: {', '.join(sorted(self._jobs.newer)):.256}")
        now = clock.now_ticks()
        self._unfinished = [job for job in jobs if not job.is_done]
        since: dict[str, int] = {}
        for job in self._unfinished:
            guid = job.origin_endpoint.guid
            since[guid] = min(job.start, since.get(guid, job.start))
        self._since = since
        for job in jobs:
            # One that was failed here, and not told of, is seen to again.
            is_late = now >= job.deadline and not (job.is_done and (job.told or job.message != _NOT_IN_TIME))
            if is_late and self._is_ours(job.origin_endpoint.channel_guid):
                await self._fail(job.id)

    def kept(self, endpoint: OriginEndpoint) -> OriginEndpoint:
        """The endpoint as retention is to see it."""
        since = self._since.get(endpoint.guid)
        return endpoint if since is None else reaching_back_to(endpoint, since, now=clock.now_ticks())

    def oldest_seconds(self) -> float:
        """For how long the unfinished job has been due that is due for longest; 0 where none is."""
        now = clock.now_ticks()
        return ticks.to_seconds(
            max((now - job.is_due_at for job in self._unfinished if job.is_due_at < now), default=0)
        )

    async def _fail(self, job_id: str) -> None:
        with suppress(NotFound, StaleRevision):  # somebody was quicker
            job, revision = await self._jobs.get(job_id)
            if not job.is_done:
                _log.error("a harvest job fails: %s", _NOT_IN_TIME, extra={"job": job_id})
                job = replace(
                    job, status=HarvestStatus.FAILED, message=_NOT_IN_TIME, ended_at=clock.now_ticks(), holder=None
                )
                revision = await self._jobs.update(job, revision=revision)
            if not job.told:
                await tell(self._bus, job)
                await self._jobs.update(replace(job, told=True), revision=revision)

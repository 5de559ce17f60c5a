"""A job that this process works at: nobody else does, as long as its record says so in time.

The claim is the record's holder. It is renewed by writing the record, progress and all, by compare-and-set; whoever
sees a record stand still for ``LAPSE_SECONDS``, by the clock of its own process, takes it over by the same means. No
two clocks are compared. A claim saves harvesters from doing each other's work, no more: both would write the same bytes
under the same keys.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from understudy_domain.harvest_job import HarvestJob
from understudy_harvester.errors import ClaimLost
from understudy_runtime import clock
from understudy_runtime.errors import BusUnavailable, NotFound, OfANewerRelease, StaleRevision
from understudy_runtime.harvest_jobs import HarvestJobs, StoredJob

_log = logging.getLogger(__name__)

RENEWAL_SECONDS: Final = 1.0
"""How often progress is told."""
LAPSE_SECONDS: Final = 5.0
"""How long a record may stand still before its claim counts for nothing."""


class Claim:
    """Made by ``take``. Changes are written one after the other."""

    def __init__(self, jobs: HarvestJobs, stored: StoredJob) -> None:
        """Of a job that was taken."""
        self._jobs = jobs
        self._job = stored.job
        self._revision = stored.revision
        self.report: Callable[[], Mapping[str, Any]] = dict
        """The fields that say how far the job has come by now: written along with everything."""
        self._writing = asyncio.Lock()
        self._renewed_at = clock.monotonic()

    @property
    def job(self) -> HarvestJob:
        """As it was last written."""
        return self._job

    async def write(self, **changes: Any) -> HarvestJob:
        """Write changes, and how far the job has come; returns what stands now.

        Raises:
            ClaimLost: another harvester has it.
            BusUnavailable: no acknowledgement in time; ask again.
        """
        async with self._writing:
            changed = dataclasses.replace(self._job, **{**self.report(), **changes})
            if (changed.plan, changed.progress) != (self._job.plan, self._job.progress):
                changed = dataclasses.replace(changed, fruitless=0)
            asked_at = clock.monotonic()
            try:
                self._revision = await self._jobs.update(changed, revision=self._revision)
            except StaleRevision:
                await self._adopt()
                if self._job != changed:
                    self._revision = await self._again(changed)
            self._job, self._renewed_at = changed, asked_at
            return changed

    async def _adopt(self) -> None:
        """A write whose acknowledgement was lost may stand: then what stands is ours, and we go on from it."""
        try:
            found = await self._jobs.get(self._job.id)
        except NotFound as err:
            raise ClaimLost("the job is gone") from err
        except OfANewerRelease as err:
            raise ClaimLost("a harvester of a newer release has the job now") from err
        if found.job.holder != self._job.holder or found.job.guid != self._job.guid:
            raise ClaimLost(f"{found.job.holder or 'nobody'} has the job {self._job.id} now")
        self._job, self._revision = found.job, found.revision

    async def _again(self, changed: HarvestJob) -> int:
        try:
            return await self._jobs.update(changed, revision=self._revision)
        except StaleRevision as err:
            raise ClaimLost(f"another harvester took the job {self._job.id}") from err

    async def write_surely(self, **changes: Any) -> HarvestJob:
        """The same, tried until it stands.

        Raises:
            ClaimLost: as above, or the claim has lapsed meanwhile.
        """
        while True:
            try:
                return await self.write(**changes)
            except BusUnavailable as err:
                self._check_lapse()
                _log.warning("a harvest job's record is not written yet: %s", err, extra={"job": self._job.id})
            await asyncio.sleep(RENEWAL_SECONDS / 4)

    async def keep(self) -> None:
        """Renew the claim for ever.

        Raises:
            ClaimLost: there is none any more.
        """
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            await self.write_surely()

    def _check_lapse(self) -> None:
        if clock.monotonic() - self._renewed_at > LAPSE_SECONDS:
            raise ClaimLost(f"the claim on the job {self._job.id} could not be renewed in time")


async def take(jobs: HarvestJobs, stored: StoredJob) -> StoredJob | None:
    """The job as this process's from now on; None where another one was quicker.

    Raises:
        BusUnavailable: no acknowledgement in time.
    """
    job = stored.job
    claimed = dataclasses.replace(
        job,
        holder=secrets.token_hex(8),
        attempts=job.attempts + 1,
        # Who is told to end gives its jobs back: a holder that is still named died, or lost what it needs.
        fruitless=job.fruitless + (job.holder is not None),
    )
    try:
        return StoredJob(claimed, await jobs.update(claimed, revision=stored.revision))
    except StaleRevision:
        return None

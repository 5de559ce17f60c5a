"""Follows HARVEST, takes jobs that nobody works at, and works at so many at a time as it may."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy_domain.harvest_asset import HarvestFailed
from understudy_domain.harvest_job import FRUITLESS_MAX, HarvestJob, HarvestStatus
from understudy_harvester.claim import LAPSE_SECONDS, Claim, take
from understudy_harvester.counts import Counts
from understudy_harvester.deletions import Deletions
from understudy_harvester.errors import ClaimLost
from understudy_harvester.settings import HarvesterSettings
from understudy_runtime import clock
from understudy_runtime.errors import BusUnavailable, LogTruncated
from understudy_runtime.harvest_jobs import HarvestJobs, StoredJob
from understudy_runtime.harvest_telling import tell
from understudy_runtime.jetstream import Bus

if TYPE_CHECKING:
    from understudy_harvester.harvest import Harvests

_log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 0.25
_RESTART_SECONDS: Final = 0.5
_RELEASE_SECONDS: Final = 2.0
_ALONE_FROM: Final = 3
"""With so many fruitless attempts a job is worked at alone."""


@dataclass(frozen=True, slots=True)
class _Seen:
    stored: StoredJob
    at: float
    """When this revision was first seen here, ``clock.monotonic``."""


class Worker:
    """This process's part of the work. ``start`` before use, ``stop`` at the end."""

    def __init__(self, bus: Bus, settings: HarvesterSettings, counts: Counts) -> None:
        self._bus = bus
        self._settings = settings
        self._counts = counts
        self._jobs = HarvestJobs(bus)
        self._deletions = Deletions(bus)
        self._harvests: Harvests | None = None
        self._seen: dict[str, _Seen] = {}
        """Jobs of which something is left to do, by id."""
        self._working: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping: asyncio.Task[None] | None = None
        self.is_current = False
        """The jobs were reached, and are followed from here on."""

    async def start(self) -> None:
        """Begin."""
        self._tasks = [
            asyncio.create_task(self._follow(), name="jobs"),
            asyncio.create_task(self._look_for_ever(), name="look for jobs"),
        ]

    def give_back(self) -> asyncio.Task[None]:
        """Begin to stop: what is not done is given back, and another harvester goes on at once."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._give_back(), name="give jobs back")
        return self._stopping

    async def stop(self) -> None:
        """Give everything back, and end."""
        await self.give_back()

    async def _give_back(self) -> None:
        for task in (*self._tasks, *self._working.values()):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._working.values(), return_exceptions=True)
        await self._deletions.stop()

    @property
    def unfinished(self) -> int:
        """Jobs that are not done, whoever works at them."""
        return sum(not seen.stored.job.is_done for seen in self._seen.values())

    @property
    def working(self) -> int:
        """Jobs that this process works at."""
        return len(self._working)

    # --- following ----------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        await self._reach()
        await self._deletions.start()
        self.is_current = True
        while True:
            try:
                async with aclosing(self._jobs.follow()) as stored_jobs:
                    async for stored in stored_jobs:
                        self._see(stored)
            except LogTruncated as err:
                _log.error("the jobs were replaced by older ones, reading them anew: %s", err)
                self._seen.clear()
            except Exception:  # noqa: BLE001  # whatever it is, without following nothing is done
                _log.exception("following the jobs failed, beginning again")
            await asyncio.sleep(_RESTART_SECONDS)

    async def _reach(self) -> None:
        while True:
            try:
                await self._jobs.last_revision()
            except BusUnavailable as err:
                _log.warning("the jobs are not here yet: %s", err)
            else:
                return

    def _see(self, stored: StoredJob) -> None:
        job = stored.job
        if job.is_done and job.told:
            self._seen.pop(job.id, None)
        else:
            self._seen[job.id] = _Seen(stored, clock.monotonic())

    # --- choosing -----------------------------------------------------------------------------------------------------

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for stored in self._open_jobs():
                if len(self._working) >= self._room_for(stored.job):
                    break
                self._begin(stored)
                if _is_suspicious(stored.job):
                    break

    def _room_for(self, job: HarvestJob) -> int:
        """Beside how many jobs one may be begun. What harvesters died of is done alone: others must not fail by it."""
        beside = [seen.stored.job for one in self._working if (seen := self._seen.get(one)) is not None]
        return 1 if any(map(_is_suspicious, (job, *beside))) else self._settings.harvest_jobs_max

    def _begin(self, stored: StoredJob) -> None:
        job_id = stored.job.id
        task = asyncio.create_task(self._work(stored), name=f"job {job_id}")
        self._working[job_id] = task
        task.add_done_callback(lambda _: self._working.pop(job_id, None))

    def _open_jobs(self) -> list[StoredJob]:
        """Those that this process may take, the oldest first."""
        now, present = clock.now_ticks(), clock.monotonic()
        found = [
            seen.stored
            for job_id, seen in self._seen.items()
            if job_id not in self._working
            and (seen.stored.job.holder is None or present - seen.at > LAPSE_SECONDS)
            and self._is_due(seen.stored.job, now)
        ]
        return sorted(found, key=lambda stored: stored.job.created_at)

    def _is_due(self, job: HarvestJob, now: int) -> bool:
        return job.is_done or now >= job.is_due_at or self._deletions.may_concern(job)

    # --- working ------------------------------------------------------------------------------------------------------

    async def _work(self, stored: StoredJob) -> None:
        extra = {"job": stored.job.id, "origin_endpoint": stored.job.origin_endpoint.id}
        claim: Claim | None = None
        try:
            taken = await take(self._jobs, stored)
            if taken is None:
                return
            claim = Claim(self._jobs, taken)
            if not taken.job.is_done:
                _log.info("working at a harvest job", extra={**extra, "attempt": taken.job.attempts})
                await self._do(claim)
            await self._tell(claim)
        except ClaimLost as err:
            self._counts.claims_lost += 1
            _log.warning("a harvest job is somebody else's now: %s", err, extra=extra)
        except BusUnavailable as err:
            _log.warning("a harvest job could not be taken: %s", err, extra=extra)
        except asyncio.CancelledError:
            if claim is not None:
                await _release(claim)
            raise
        except Exception:  # noqa: BLE001  # one job must not end the others
            _log.exception("working at a harvest job failed", extra=extra)

    async def _do(self, claim: Claim) -> None:
        """Work at a job until it is done, and write down what came of it.

        Raises:
            ClaimLost: it is another harvester's.
        """
        status, message = await self._outcome(claim)
        await claim.write_surely(status=status, message=message, ended_at=clock.now_ticks())
        self._counts.done[status] += 1
        _log.info("a harvest job is done", extra={"job": claim.job.id, "status": status.value, "outcome": message})

    async def _outcome(self, claim: Claim) -> tuple[HarvestStatus, str]:
        if claim.job.fruitless >= FRUITLESS_MAX:
            return HarvestStatus.FAILED, f"{FRUITLESS_MAX} harvesters in a row died of it or lost it; see their logs"
        if self._harvests is None:
            self._harvests = await asyncio.to_thread(_open_harvests, self._bus, self._settings, self._counts)
        working = asyncio.create_task(self._harvests.run(claim), name=f"harvest {claim.job.id}")
        others = (
            asyncio.create_task(claim.keep(), name=f"keep {claim.job.id}"),
            asyncio.create_task(self._deletions.wait_for(claim.job), name=f"origin endpoint of {claim.job.id}"),
        )
        try:
            await asyncio.wait((working, *others), return_when=asyncio.FIRST_COMPLETED)
            for ended in (one for one in others if one.done() and not working.done()):
                await ended  # it says why
            return HarvestStatus.SUCCEEDED, await working
        except HarvestFailed as err:
            return HarvestStatus.FAILED, str(err)
        except ClaimLost:
            raise
        except Exception as err:  # noqa: BLE001  # a defect: whoever tries again would meet it again
            _log.exception("a harvest job failed for a reason of our own", extra={"job": claim.job.id})
            return HarvestStatus.FAILED, f"an error inside the harvester, its log says more: {type(err).__name__}"
        finally:
            for task in (working, *others):
                task.cancel()
            await asyncio.gather(working, *others, return_exceptions=True)

    async def _tell(self, claim: Claim) -> None:
        """Have an event say what came of a job, once.

        Raises:
            ClaimLost: another harvester does.
        """
        while True:
            try:
                await tell(self._bus, claim.job)
            except BusUnavailable as err:
                _log.warning("an event is not told yet: %s", err, extra={"job": claim.job.id})
                await claim.write_surely()
            else:
                break
        claim.report = dict
        await claim.write_surely(told=True, holder=None)


def _is_suspicious(job: HarvestJob) -> bool:
    return not job.is_done and job.fruitless + (job.holder is not None) >= _ALONE_FROM


def _open_harvests(bus: Bus, settings: HarvesterSettings, counts: Counts) -> Harvests:
    """The libraries for storage and media are loaded when there is something to do, not while the process starts."""
    from understudy_harvester.harvest import Harvests  # noqa: PLC0415

    return Harvests(bus, settings, counts)


async def _release(claim: Claim) -> None:
    with contextlib.suppress(ClaimLost, BusUnavailable, TimeoutError):
        await asyncio.wait_for(claim.write(holder=None), _RELEASE_SECONDS)

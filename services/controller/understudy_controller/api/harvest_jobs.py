"""Harvest jobs: what the three operations do, without HTTP. The work itself is the harvester's.

A job is judged once, when it is made. From then on its record is all that counts: the endpoint as it was, the window,
the destination. Retention keeps what an unfinished job still needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from understudy_controller.api.errors import IdTaken, ResourceNotFound, TooManyHarvestJobs, TooManyWriters
from understudy_controller.api.models_harvest import CreateHarvestJobRequest
from understudy_controller.api.paging import PAGE_LENGTH_DEFAULT, page_of
from understudy_controller.api.resources import new_guid
from understudy_controller.api.service import ControlService
from understudy_controller.settings import ControllerSettings
from understudy_domain import keys, ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.errors import InvalidResource
from understudy_domain.harvest_job import (
    MANIFEST_SUFFIX,
    OBJECT_KEY_BYTES_MAX,
    WINDOW_MAX,
    HarvestDestination,
    HarvestJob,
    HarvestStatus,
    job_endpoint,
)
from understudy_domain.instants import MalformedInstant, parse_instant
from understudy_runtime.errors import AlreadyExists, BusUnavailable, NotFound, StaleRevision
from understudy_runtime.harvest_jobs import HarvestJobs, StoredJob
from understudy_runtime.jetstream import Bus

_ATTEMPTS: Final = 20
"""To call off a job that tells its progress every second meanwhile."""
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f\\]")
_OWN_NAMES_BYTES_MAX: Final = 64
"""Of a segment's name, or of a media playlist's besides the manifest name, within an asset's folder."""


class HarvestControl:
    """The operations."""

    def __init__(
        self, settings: ControllerSettings, bus: Bus, service: ControlService, *, now: Callable[[], int]
    ) -> None:
        """``now`` returns ticks since the epoch."""
        self._jobs = HarvestJobs(bus)
        self._service = service
        self._now = now
        self._media_bucket = settings.s3_bucket
        self._unfinished_max = settings.harvest_jobs_unfinished_max

    async def create(self, request: CreateHarvestJobRequest) -> HarvestJob:
        """A new job.

        Raises:
            ResourceNotFound: there is no such origin endpoint.
            InvalidResource: a field cannot be; the message names it.
            IdTaken: a harvest job has this id.
            TooManyHarvestJobs: as many as may be are not done yet.
        """
        try:
            endpoint = await self._service.origin_endpoint(request.origin_endpoint_id)
        except ResourceNotFound as err:
            raise ResourceNotFound(f"originEndpointId: {err}") from err
        now = self._now()
        start, end = _window(request, endpoint, now=now)
        destination = request.s3_destination
        job = HarvestJob(
            id=request.id,
            guid=new_guid(),
            origin_endpoint=job_endpoint(endpoint),
            start=start,
            end=end,
            destination=HarvestDestination(destination.bucket_name, destination.manifest_key, destination.role_arn),
            created_at=now,
        )
        self._check_destination(job)
        if sum(not one.is_done for one in await self._jobs.all()) >= self._unfinished_max:
            raise TooManyHarvestJobs(
                f"{self._unfinished_max} harvest jobs are not done yet, and no more may be at a time; try again later"
            )
        await self._store(job)
        return job

    async def job(self, job_id: str) -> HarvestJob:
        """The job with this id.

        Raises:
            ResourceNotFound: there is none.
        """
        return (await self._stored(job_id)).job

    async def _stored(self, job_id: str) -> StoredJob:
        if not keys.RESOURCE_ID.fullmatch(job_id):
            raise _no_job(job_id)
        try:
            return await self._jobs.get(job_id)
        except NotFound as err:
            raise _no_job(job_id) from err

    async def call_off(self, job_id: str) -> None:
        """Have a job end: it fails, and whoever works at it hears that with its next word of progress.

        Raises:
            ResourceNotFound: there is no such job.
            InvalidResource: it is done already.
            TooManyWriters: its harvester was quicker, again and again.
        """
        for _ in range(_ATTEMPTS):
            job, revision = await self._stored(job_id)
            if job.is_done:
                raise InvalidResource(f"the harvest job {job.id} is done already: {job.status}")
            changed = replace(job, status=HarvestStatus.FAILED, message="called off", ended_at=self._now(), holder=None)
            with suppress(StaleRevision):
                await self._jobs.update(changed, revision=revision)
                return
        raise TooManyWriters("the harvest job kept changing, nothing was written; try again")

    async def jobs(
        self, *, channel_id: str | None, status: str | None, length: int | None, token: str | None
    ) -> tuple[Sequence[HarvestJob], str | None]:
        """One page of the jobs, of one channel or of all, with one status or with any; and the token of the next.

        Raises:
            InvalidResource: the token is none of ours, or there is no such status.
        """
        if status is not None and status not in tuple(HarvestStatus):
            raise InvalidResource(f"includeStatus: one of {', '.join(HarvestStatus)}")
        wanted = (
            job
            for job in await self._jobs.all()
            if channel_id in (None, job.origin_endpoint.channel_id) and status in (None, job.status)
        )
        return page_of("harvest_jobs", wanted, length=length or PAGE_LENGTH_DEFAULT, token=token)

    def _check_destination(self, job: HarvestJob) -> None:
        key = job.destination.manifest_key
        parts = key.split("/")
        if not key.endswith(MANIFEST_SUFFIX) or parts[-1] == MANIFEST_SUFFIX:
            raise InvalidResource("s3Destination.manifestKey: must end in the name of a playlist, such as index.m3u8")
        if _UNSAFE.search(key) or any(part in ("", ".", "..") for part in parts):
            raise InvalidResource(
                "s3Destination.manifestKey: folders and a name with one slash between them, such as vod/show/index.m3u8"
            )
        longest = len(job.asset_prefix.encode()) + len(job.origin_endpoint.manifest_name) + _OWN_NAMES_BYTES_MAX
        if longest > OBJECT_KEY_BYTES_MAX:
            over = longest - OBJECT_KEY_BYTES_MAX
            raise InvalidResource(
                f"s3Destination.manifestKey: what lies beside it would have longer keys than S3 allows; make it {over} "
                "bytes shorter, or the job's id"
            )
        if job.destination.bucket_name == self._media_bucket and parts[0] in keys.OWN_FOLDERS:
            raise InvalidResource(
                f"s3Destination.manifestKey: {parts[0]}/ of the media bucket is Understudy's own; name another folder"
            )

    async def _store(self, job: HarvestJob) -> None:
        """Store a new job; also when only the acknowledgement was lost, for who tried again would hear that it exists.

        Raises:
            IdTaken: there is another one of its id.
        """
        try:
            await self._jobs.create(job)
        except AlreadyExists as err:
            raise IdTaken(f"id: a harvest job with the id {job.id} exists") from err
        except BusUnavailable:
            try:
                found = await self._jobs.get(job.id)
            except NotFound:
                found = None
            if found is None or found.job.guid != job.guid:
                raise


def _no_job(job_id: str) -> ResourceNotFound:
    return ResourceNotFound(f"there is no harvest job with the id {job_id:.256}")


def _window(request: CreateHarvestJobRequest, endpoint: OriginEndpoint, *, now: int) -> tuple[int, int]:
    """Start and end, ticks since the epoch; an end in the future is waited for.

    Raises:
        InvalidResource: it is no window of this endpoint.
    """
    start, end = _instant("startTime", request.start_time), _instant("endTime", request.end_time)
    if end <= start:
        raise InvalidResource("endTime: must lie behind startTime")
    if end - start > WINDOW_MAX:
        raise InvalidResource("endTime: lies more than 24 h behind startTime, and a harvest job spans 24 h at most")
    if start > now:
        raise InvalidResource("startTime: lies in the future; a job can be made once its window has begun")
    reach = endpoint.startover_window_seconds
    if not reach:
        raise InvalidResource(
            f"originEndpointId: {endpoint.id} has no startover window, so nothing is kept of its past; set its "
            "startoverWindowSeconds first"
        )
    since = now - ticks.from_seconds(reach)
    if start < since:
        raise InvalidResource(
            f"startTime: the startover window of {endpoint.id} is {reach} s long and reaches back to "
            f"{ticks.to_iso8601(since)}"
        )
    return start, end


def _instant(field: str, text: str) -> int:
    """ISO 8601 with a time zone, or POSIX seconds, as in the URLs of playlists.

    Raises:
        InvalidResource: it is neither.
    """
    try:
        return parse_instant(text)
    except MalformedInstant as err:
        raise InvalidResource(f"{field}: {err}") from err

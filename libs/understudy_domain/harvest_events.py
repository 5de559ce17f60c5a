"""What came of a harvest job, as an event."""

from __future__ import annotations

from understudy_domain.event import Event, EventKind
from understudy_domain.harvest_job import HarvestJob, HarvestStatus
from understudy_domain.words import clock, counted


def harvest_event(job: HarvestJob) -> Event:
    """The event of a job that is done."""
    assert job.ended_at is not None
    succeeded = job.status is HarvestStatus.SUCCEEDED
    endpoint = job.origin_endpoint
    return Event(
        kind=EventKind.HARVEST_SUCCEEDED if succeeded else EventKind.HARVEST_FAILED,
        channel=endpoint.channel_guid,
        instant=job.ended_at,
        words=_of_asset(job) if succeeded else f"Harvest job {job.id} failed: {job.message}.",
        channel_id=endpoint.channel_id,
        origin_endpoint=endpoint.guid,
        origin_endpoint_id=endpoint.id,
        harvest_job=job.guid,
        harvest_job_id=job.id,
    )


def _of_asset(job: HarvestJob) -> str:
    what = counted(job.plan.segments if job.plan is not None else 0, "segment")
    where = f"{job.destination.bucket_name}/{job.destination.manifest_key}"
    missing = f"; {job.message}" if job.message else ""
    return f"Harvest job {job.id} has written {what} of {clock(job.start)} to {clock(job.end)} to {where}{missing}."

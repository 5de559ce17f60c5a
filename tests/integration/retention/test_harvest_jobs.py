"""What an unfinished harvest job needs stays; once it is done, it goes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from support.control_process import Controller
from support.retention import SEGMENT_SECONDS, Studio, both_inputs, controller_settings, create, eventually
from understudy_domain import ticks
from understudy_domain.harvest_job import HarvestDestination, HarvestJob, HarvestStatus, job_endpoint
from understudy_runtime.harvest_jobs import HarvestJobs
from understudy_runtime.settings import CommonSettings

BACKLOG = 80
"""Segments that are delivered at once: 40 s, of which a window reaches back 20."""


async def test_entries_and_media_of_an_unfinished_job_stay_until_it_is_done(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    with Controller(tmp_path, nats_url=settings.nats_url, **controller_settings(settings)) as controller:
        channel, guids = await asyncio.to_thread(create, controller, "show", "one", "two")
        t0 = time.time() - BACKLOG * SEGMENT_SECONDS
        jobs = HarvestJobs(studio.bus)
        await studio.config.ensure_current()
        job = HarvestJob(
            id="job",
            guid="a" * 32,
            origin_endpoint=job_endpoint(studio.config.origin_endpoints["one"].value),
            start=ticks.from_seconds(t0),
            end=ticks.from_seconds(t0 + 30),
            destination=HarvestDestination("vod", "index.m3u8", "role"),
            created_at=ticks.from_seconds(time.time()),
        )
        revision = await jobs.create(job)
        await studio.deliver(channel, both_inputs(t0, range(BACKLOG)), t0)

        async def first_left(endpoint: str) -> int:
            entries = await studio.entries(channel, guids[endpoint])
            return entries[0].media_sequence if entries else 0

        async def other_gone() -> bool:
            return await first_left("two") >= 10

        await eventually(other_gone, "the other endpoint's oldest entries are gone")
        assert await first_left("one") == 0
        assert await studio.missing(channel, guids["one"]) == []
        await jobs.update(replace(job, status=HarvestStatus.FAILED), revision=revision)

        async def gone() -> bool:
            return await first_left("one") >= 10 and len(await studio.objects(channel)) < 2 * BACKLOG - 20

        await eventually(gone, "what the job needed is gone")

"""What an unfinished harvest job needs stays; once it is done, it goes."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from pathlib import Path

from support.broadcast import metrics
from support.control_process import Controller
from support.deadline import comes_true
from support.retention import SEGMENT_SECONDS, Studio, both_inputs, controller_settings, create
from understudy_domain import codec, keys, ticks
from understudy_domain.event import Event, EventKind
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

        await comes_true(other_gone, "the other endpoint's oldest entries are gone")
        assert await first_left("one") == 0
        assert await studio.missing(channel, guids["one"]) == []
        await jobs.update(replace(job, status=HarvestStatus.FAILED), revision=revision)

        async def gone() -> bool:
            return await first_left("one") >= 10 and len(await studio.objects(channel)) < 2 * BACKLOG - 20

        await comes_true(gone, "what the job needed is gone")


async def test_a_job_that_no_harvester_does_is_seen_in_a_metric_and_fails_after_two_days(
    tmp_path: Path, settings: CommonSettings, studio: Studio
) -> None:
    jobs, now = HarvestJobs(studio.bus), ticks.from_seconds(time.time())
    await studio.bus.ensure_streams()
    end = now - ticks.from_seconds(48 * 3600)
    with Controller(tmp_path, nats_url=settings.nats_url, **controller_settings(settings)) as controller:
        await asyncio.to_thread(create, controller, "show", "one")
        await studio.config.ensure_current()
        late = HarvestJob(
            id="late",
            guid="a" * 32,
            origin_endpoint=job_endpoint(studio.config.origin_endpoints["one"].value),
            start=end - ticks.from_seconds(60),
            end=end,
            destination=HarvestDestination("vod", "index.m3u8", "role"),
            created_at=end,
        )
        await jobs.create(replace(late, id="waits", guid="b" * 32, end=now - ticks.from_seconds(3600)))
        await jobs.create(late)

        async def failed() -> bool:
            found = (await jobs.get("late")).job
            return found.is_done and found.told

        await comes_true(failed, "the job that is late fails")
        found = (await jobs.get("late")).job
        assert found.status is HarvestStatus.FAILED
        assert "no harvester has finished it within two days" in found.message
        messages = await studio.bus.fetch(keys.EVENTS_STREAM, keys.events_filter())
        told = [codec.decode_as(Event, message.payload) for message in messages]
        assert [one.harvest_job_id for one in told if one.kind is EventKind.HARVEST_FAILED] == ["late"]

        async def only_the_other_is_seen() -> bool:
            found = re.search(r"^understudy_harvest_jobs_oldest_seconds (\S+)", metrics(controller), re.MULTILINE)
            return found is not None and 3_600 <= float(found[1]) < 3_700

        await comes_true(only_the_other_is_seen, "the metric tells of the one that waits")
        assert not (await jobs.get("waits")).job.is_done

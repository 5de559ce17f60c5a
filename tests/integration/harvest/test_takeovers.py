"""Harvesters that die, hang, or lose what they need: the asset is the one that an undisturbed harvester writes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import SecretStr

from support.deadline import comes_true, eventually
from support.harvester_process import HarvesterProcess
from support.harvesting import Farm, s3_client
from support.nats_server import NatsServer
from support.object_store import running_s3_server
from understudy_domain.channel import OriginEndpoint
from understudy_domain.harvest_job import FRUITLESS_MAX, HarvestJob, HarvestStatus
from understudy_harvester.counts import Counts
from understudy_harvester.settings import HarvesterSettings
from understudy_harvester.worker import Worker
from understudy_runtime import clock
from understudy_runtime.errors import StorageUnavailable
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=40)

SLOTS = 12
SLOT_BYTES = 2 * 400 * 188
SLOWLY = {"harvest_bytes_per_second": str(4 * SLOT_BYTES), "harvest_segments_max": "2"}
"""Four slots a second."""


async def some_stored(farm: Farm, job: HarvestJob, *, slots: int = 3) -> HarvestJob:
    """Once so many slots are known to be stored."""

    async def look() -> HarvestJob | None:
        found = await farm.now(job)
        return found if found.progress is not None and found.progress.segments >= slots else None

    found = await comes_true(look, f"{slots} slots are stored")
    assert isinstance(found, HarvestJob)
    return found


async def watched(farm: Farm, job: HarvestJob, *, slots: int) -> HarvestJob:
    """The same; progress is told at least every two seconds meanwhile, and never falls."""
    loop = asyncio.get_running_loop()
    seen: list[tuple[float, int]] = []
    async for stored in farm.jobs.follow():
        progress = stored.job.progress
        if stored.job.id == job.id and progress is not None:
            seen.append((loop.time(), progress.segments))
            if progress.segments >= slots:
                break
    numbers = [segments for _, segments in seen]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 1
    assert max(later - earlier for (earlier, _), (later, _) in pairwise(seen)) < 2
    return stored.job


async def undisturbed(farm: Farm, endpoint: OriginEndpoint, settings: CommonSettings, logs: Path) -> dict[str, bytes]:
    """What one harvester writes that nobody disturbs, by names within the asset's folder."""
    job = farm.job(endpoint, start=1, end=1 + SLOTS)
    with HarvesterProcess(logs, settings, name="undisturbed"):
        job = await farm.done(await farm.submit(job))
    return asset(farm, job)


def asset(farm: Farm, job: HarvestJob) -> dict[str, bytes]:
    """A job's asset by names within its folder; the multivariant playlist under its own."""
    objects = farm.objects()
    found = {
        key.removeprefix(job.asset_prefix): body for key, body in objects.items() if key.startswith(job.asset_prefix)
    }
    multivariant = objects[job.destination.manifest_key]
    return {**found, "multivariant": multivariant.replace(job.folder.encode(), b"FOLDER")}


def check_counts(job: HarvestJob) -> None:
    """Everything was stored, once."""
    assert job.status is HarvestStatus.SUCCEEDED, job.message
    assert job.plan is not None
    assert job.progress is not None
    assert (job.progress.segments, job.progress.bytes) == (job.plan.segments, job.plan.bytes)
    assert (job.plan.segments, job.plan.bytes) == (SLOTS, SLOTS * SLOT_BYTES)


async def test_a_sibling_goes_on_where_one_that_was_killed_had_stopped(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, SLOTS + 2)
    expected = await undisturbed(farm, endpoint, settings, tmp_path)
    with HarvesterProcess(tmp_path, settings, name="first", **SLOWLY) as first:
        job = await farm.submit(farm.job(endpoint, start=1, end=1 + SLOTS))
        at_death = await watched(farm, job, slots=6)
        first.kill()
        assert job.destination.manifest_key in farm.objects()  # the other job's
        with HarvesterProcess(tmp_path, settings, name="second", **SLOWLY) as second:
            done = await farm.done(job)
            assert at_death.progress is not None
            assert second.metric("understudy_harvest_segments_total") <= SLOTS - at_death.progress.segments
    check_counts(done)
    assert done.attempts == 2
    assert asset(farm, done) == expected


async def test_one_that_was_paused_does_no_harm_when_it_wakes_up(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, SLOTS + 2)
    expected = await undisturbed(farm, endpoint, settings, tmp_path)
    with (
        HarvesterProcess(tmp_path, settings, name="first", **SLOWLY) as first,
        HarvesterProcess(tmp_path, settings, name="second", **SLOWLY) as second,
    ):
        job = await farm.submit(farm.job(endpoint, start=1, end=1 + SLOTS))
        await some_stored(farm, job)
        first_works = first.metric("understudy_harvest_jobs_working") == 1
        asleep, awake = (first, second) if first_works else (second, first)
        asleep.pause()
        done = await farm.done(job)
        assert awake.metric('understudy_harvest_jobs_total{status="SUCCEEDED"}') == 1
        asleep.resume()
        eventually(
            lambda: asleep.metric("understudy_harvest_claims_lost_total") == 1,
            what="it hears that the job is another's",
        )
        assert asleep.metric("understudy_harvest_jobs_working") == 0
    check_counts(done)
    assert asset(farm, done) == expected
    assert await farm.now(job) == done
    assert len([event for event in await farm.events() if event.harvest_job_id == job.id]) == 1


async def test_one_that_is_told_to_end_gives_its_job_back_at_once(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, SLOTS + 2)
    with HarvesterProcess(tmp_path, settings, name="first", drain_delay_seconds="2", **SLOWLY) as first:
        job = await farm.submit(farm.job(endpoint, start=1, end=1 + SLOTS))
        await some_stored(farm, job)
        first.terminate()

        async def look() -> HarvestJob | None:
            found = await farm.now(job)
            return found if found.holder is None else None

        given_back = await comes_true(look, "it is given back")
        assert isinstance(given_back, HarvestJob)
        assert given_back.progress is not None
        assert given_back.progress.segments >= 3
        assert not first.is_ready(), "it is still there, as its delay is not over, and takes nothing any more"
        assert first.wait() == 0
        assert (await farm.now(job)).holder is None
        with HarvesterProcess(tmp_path, settings, name="second"):
            check_counts(await farm.done(job))


async def test_a_destination_that_goes_away_is_waited_for(farm: Farm, settings: CommonSettings, tmp_path: Path) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, SLOTS + 2)
    with running_s3_server(tmp_path / "elsewhere") as elsewhere:
        more = {
            "harvest_s3_endpoint_url": elsewhere.url,
            "harvest_s3_access_key_id": elsewhere.access_key_id,
            "harvest_s3_secret_access_key": elsewhere.secret_access_key,
            "s3_timeout_seconds": "2",
        }
        there = settings.model_copy(
            update={
                "s3_endpoint_url": elsewhere.url,
                "s3_access_key_id": elsewhere.access_key_id,
                "s3_secret_access_key": SecretStr(elsewhere.secret_access_key),
            }
        )
        farm.s3 = s3_client(there)
        await asyncio.to_thread(farm.s3.create_bucket, Bucket=farm.bucket)
        with HarvesterProcess(tmp_path, settings, **SLOWLY, **more):
            job = await farm.submit(farm.job(endpoint, start=1, end=1 + SLOTS))
            await some_stored(farm, job)
            elsewhere.kill()

            async def waits() -> bool:
                return (await farm.now(job)).message.startswith("waits: ")

            await comes_true(waits, "the job says that it waits")
            await asyncio.to_thread(elsewhere.start)
            check_counts(await farm.done(job))
        assert len(asset(farm, await farm.now(job))) == SLOTS + 2


async def test_a_nats_server_that_restarts_costs_a_job_nothing(
    farm: Farm, settings: CommonSettings, nats_server: NatsServer, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, SLOTS + 2)
    with HarvesterProcess(tmp_path, settings, **SLOWLY):
        job = await farm.submit(farm.job(endpoint, start=1, end=1 + SLOTS))
        await some_stored(farm, job)
        await asyncio.to_thread(nats_server.restart)
        check_counts(await farm.done(job))


async def test_a_job_that_harvesters_die_of_fails_in_the_end_and_what_comes_further_starts_anew(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 4)
    died = replace(farm.job(endpoint, start=0, end=3), holder="one that died", attempts=FRUITLESS_MAX)
    deadly = await farm.submit(replace(died, fruitless=FRUITLESS_MAX - 1))
    unlucky = await farm.submit(replace(died, id="unlucky", guid="b" * 32, fruitless=FRUITLESS_MAX - 2))
    with HarvesterProcess(tmp_path, settings):
        failed, done = await farm.done(deadly), await farm.done(unlucky)
    assert (failed.status, failed.progress) == (HarvestStatus.FAILED, None)
    assert "10 harvesters in a row died of it or lost it" in failed.message
    assert (done.status, done.fruitless) == (HarvestStatus.SUCCEEDED, 0)


async def test_a_job_that_is_called_off_while_its_last_playlist_cannot_be_stored_gets_none(
    farm: Farm, settings: CommonSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 6)
    job = await farm.submit(farm.job(endpoint, start=0, end=4))
    put = ObjectStore.put
    tries = 0

    async def away_at_first(self: ObjectStore, key: str, body: bytes | memoryview, **more: str) -> None:
        nonlocal tries
        if key == job.destination.manifest_key:
            tries += 1
            if tries == 1:
                found, revision = await farm.jobs.get(job.id)
                called_off = replace(found, status=HarvestStatus.FAILED, message="called off", holder=None)
                await farm.jobs.update(replace(called_off, ended_at=clock.now_ticks()), revision=revision)
                raise StorageUnavailable("away")
        await put(self, key, body, **more)

    monkeypatch.setattr(ObjectStore, "put", away_at_first)
    worker = Worker(farm.bus, HarvesterSettings(**settings.model_dump()), Counts())
    await worker.start()
    done = await farm.done(job)

    async def at_rest() -> bool:
        return worker.working == 0

    await comes_true(at_rest, "nobody works at it")
    await worker.stop()
    assert (done.status, done.message, tries) == (HarvestStatus.FAILED, "called off", 1)
    assert job.destination.manifest_key not in farm.objects()

"""What a harvester writes: the segments that egress serves, playlists last, and clear words where it cannot."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from support.control_process import Controller
from support.deadline import comes_true
from support.egress_process import EgressProcess
from support.harvester_process import HarvesterProcess
from support.harvesting import Farm
from support.program_publisher import Shown
from understudy_domain import codec, keys, ticks
from understudy_domain.event import EventKind
from understudy_domain.harvest_events import harvest_event
from understudy_domain.harvest_job import HarvestStatus
from understudy_domain.hls.media_playlist import MediaPlaylist
from understudy_domain.hls.playlist import parse_playlist
from understudy_runtime import clock
from understudy_runtime.settings import CommonSettings

pytestmark = pytest.mark.takes(seconds=35)


async def test_an_asset_is_what_egress_serves_byte_for_byte(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 20)
    with HarvesterProcess(tmp_path, settings), EgressProcess(tmp_path, settings) as egress:
        job = await farm.done(await farm.submit(farm.job(endpoint, start=5, end=15)))
        assert (job.status, job.message) == (HarvestStatus.SUCCEEDED, "")
        assert job.plan is not None
        assert job.progress is not None
        assert (job.progress.segments, job.plan.segments, job.progress.stored_up_to) == (10, 10, 14)
        objects = await asyncio.to_thread(farm.objects)
        shown = Shown(endpoint)
        multivariant = objects.pop("shows/one.m3u8").decode()
        assert multivariant == egress.get(shown.multivariant).body.decode().replace(
            "index_v1.m3u8", f"{job.folder}/index_v1.m3u8"
        )
        media = parse_playlist(objects.pop(f"{job.asset_prefix}index_v1.m3u8").decode())
        assert isinstance(media, MediaPlaylist)
        assert (media.media_sequence, media.playlist_type, media.ended) == (5, "VOD", True)
        live = parse_playlist(egress.get(shown.media).body.decode())
        assert isinstance(live, MediaPlaylist)
        first, *rest = media.segments
        assert rest == list(live.segments[6:15])
        assert first.program_date_time is not None
        assert objects.keys() == {job.asset_prefix + segment.uri for segment in media.segments}
        for number in range(5, 15):
            assert objects[f"{job.asset_prefix}r1/v1/{number}.ts"] == egress.get(shown.segment(number)).body
        assert job.progress.bytes == job.plan.bytes == sum(map(len, objects.values()))


async def test_what_is_written_says_of_what_type_it_is(farm: Farm, settings: CommonSettings, tmp_path: Path) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 4)
    with HarvesterProcess(tmp_path, settings):
        job = await farm.done(await farm.submit(farm.job(endpoint, start=0, end=3)))
    types = {key: farm.s3.head_object(Bucket=farm.bucket, Key=key)["ContentType"] for key in farm.objects()}
    assert types == {
        "shows/one.m3u8": "application/vnd.apple.mpegurl",
        f"{job.asset_prefix}index_v1.m3u8": "application/vnd.apple.mpegurl",
        **{f"{job.asset_prefix}r1/v1/{number}.ts": "video/mp2t" for number in range(3)},
    }


async def test_what_came_of_a_job_is_told_once(farm: Farm, settings: CommonSettings, tmp_path: Path) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 4)
    with HarvesterProcess(tmp_path, settings) as harvester:
        good = await farm.submit(farm.job(endpoint, start=0, end=3))
        job = farm.job(endpoint, start=0, end=3)
        bad = await farm.submit(replace(job, destination=replace(job.destination, bucket_name="nobodys-bucket")))
        failed, succeeded = await farm.done(bad), await farm.done(good)
        assert 'understudy_harvest_jobs_total{status="FAILED"}' in _samples(harvester)
    assert (failed.status, succeeded.status) == (HarvestStatus.FAILED, HarvestStatus.SUCCEEDED)
    assert "no such bucket" in failed.message
    told = {event.kind: event for event in await farm.events()}
    assert told.keys() == {EventKind.HARVEST_SUCCEEDED, EventKind.HARVEST_FAILED}
    assert len(await farm.events()) == 2
    assert told[EventKind.HARVEST_FAILED].harvest_job_id == bad.id
    assert "no such bucket" in told[EventKind.HARVEST_FAILED].words
    assert told[EventKind.HARVEST_SUCCEEDED].origin_endpoint_id == endpoint.id
    assert f"{farm.bucket}/shows/one.m3u8" in told[EventKind.HARVEST_SUCCEEDED].words


def _samples(harvester: HarvesterProcess) -> list[str]:
    return [name for name in ('understudy_harvest_jobs_total{status="FAILED"}',) if harvester.metric(name) == 1]


async def test_a_programme_that_ended_early_is_harvested_as_far_as_it_goes(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 6)
    last = (await farm.last_entry(endpoint)).program_date_time
    await farm.end(endpoint)
    with HarvesterProcess(tmp_path, settings, harvest_wait_seconds="3600"):
        job = await farm.submit(farm.job(endpoint, start=2, end=7.5))
        done = await farm.done(job)
    assert done.status is HarvestStatus.SUCCEEDED
    assert done.plan is not None
    assert (done.plan.first_sequence, done.plan.last_sequence) == (2, 5)
    assert re.fullmatch(r"the programme ends 3 s before the window", done.message)
    assert last < job.end


async def test_a_programme_that_ended_is_waited_for_until_the_window_ends_and_no_longer(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 3)
    await farm.end(endpoint)
    with HarvesterProcess(tmp_path, settings, harvest_wait_seconds="3600"):
        job = replace(farm.job(endpoint, start=0, end=3), end=clock.now_ticks() + ticks.from_seconds(4))
        done = await farm.done(await farm.submit(job))
    assert (done.status, done.plan is not None and done.plan.last_sequence) == (HarvestStatus.SUCCEEDED, 2)
    assert done.ended_at is not None
    assert 0 <= ticks.to_seconds(done.ended_at - job.end) < 5


async def test_slots_that_a_raised_time_delay_holds_back_are_waited_for(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 4)
    for _ in range(4):
        await farm.publisher.publish(endpoint, available_at=clock.now_ticks() + ticks.from_seconds(5))
    with HarvesterProcess(tmp_path, settings, harvest_wait_seconds="0"):
        done = await farm.done(await farm.submit(farm.job(endpoint, start=0, end=7)))
    assert (done.status, done.message) == (HarvestStatus.SUCCEEDED, "")


async def test_encoders_that_fell_silent_do_not_fail_a_job(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 6)
    with HarvesterProcess(tmp_path, settings, harvest_wait_seconds="0"):
        job = await farm.done(await farm.submit(farm.job(endpoint, start=2, end=7)))
    assert (job.status, job.message) == (HarvestStatus.SUCCEEDED, "the programme ends 2 s before the window")


async def test_a_window_of_nothing_fails_with_words(farm: Farm, settings: CommonSettings, tmp_path: Path) -> None:
    endpoint = await farm.endpoint()
    with HarvesterProcess(tmp_path, settings, harvest_wait_seconds="0"):
        job = await farm.done(await farm.submit(farm.job(endpoint, start=-20, end=-10)))
    assert (job.status, job.message) == (
        HarvestStatus.FAILED,
        "the origin endpoint published nothing in this window",
    )


async def test_media_that_is_gone_fails_a_job_and_leaves_no_asset(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 2)
    await farm.publish(endpoint, 1, with_objects=False)
    await farm.publish(endpoint, 2)
    with HarvesterProcess(tmp_path, settings):
        job = await farm.done(await farm.submit(farm.job(endpoint, start=0, end=4)))
    assert job.status is HarvestStatus.FAILED
    assert job.message.startswith("the media of segment 2 of v1 has been removed")
    assert "shows/one.m3u8" not in farm.objects()


async def test_another_job_replaces_an_asset_and_touches_nothing_of_it_before(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 12)
    with HarvesterProcess(tmp_path, settings):
        first = await farm.done(await farm.submit(farm.job(endpoint, start=0, end=5)))
        before = farm.objects()
        second = await farm.done(await farm.submit(farm.job(endpoint, start=2, end=9)))
    after = farm.objects()
    assert after.pop("shows/one.m3u8") != before.pop("shows/one.m3u8")
    assert {key: body for key, body in after.items() if key.startswith(first.asset_prefix)} == before
    assert f"{second.asset_prefix}index_v1.m3u8" in after


async def test_a_job_that_is_called_off_ends_and_gets_no_playlist(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 20)
    with (
        Controller(tmp_path, nats_url=settings.nats_url) as controller,
        HarvesterProcess(tmp_path, settings, harvest_bytes_per_second=str(4 * 2 * 400 * 188)) as harvester,
    ):
        job = await farm.submit(farm.job(endpoint, start=0, end=19))

        async def some_stored() -> bool:
            progress = (await farm.now(job)).progress
            return progress is not None and progress.segments >= 2

        await comes_true(some_stored, "some segments are stored")
        path = f"/understudy/v1/harvest_jobs/{job.id}"
        assert (await asyncio.to_thread(controller.json, "DELETE", path))[0] == 202
        done = await farm.done(job)
        assert (done.status, done.message) == (HarvestStatus.FAILED, "called off")
        status, answer = await asyncio.to_thread(controller.json, "DELETE", path)
        assert (status, answer["message"]) == (422, f"the harvest job {job.id} is done already: FAILED")

        async def at_rest() -> bool:
            return harvester.metric("understudy_harvest_jobs_working") == 0

        await comes_true(at_rest, "nobody works at it")
    assert [event.kind for event in await farm.events()] == [EventKind.HARVEST_FAILED]
    assert "shows/one.m3u8" not in farm.objects()


@pytest.mark.parametrize("window_end", [4.0, 3_600.0], ids=["being waited for", "not due yet"])
async def test_a_job_whose_origin_endpoint_is_deleted_fails_within_seconds_and_says_so(
    farm: Farm, settings: CommonSettings, tmp_path: Path, window_end: float
) -> None:
    endpoint = await farm.endpoint()
    await farm.publish(endpoint, 3)
    with HarvesterProcess(tmp_path, settings, harvest_wait_seconds="3600"):
        job = await farm.submit(farm.job(endpoint, start=0, end=window_end))
        if window_end < 10:

            async def waits() -> bool:
                return "waits" in (await farm.now(job)).message

            await comes_true(waits, "it waits for the end of its window")
        stored = farm.config.origin_endpoints[endpoint.id]
        await farm.config.delete(stored.value, stored.revision)
        done = await farm.done(job)
    reason = f"the origin endpoint {endpoint.id} was deleted, and its past with it"
    assert (done.status, done.message) == (HarvestStatus.FAILED, reason)
    assert [reason in event.words for event in await farm.events()] == [True]


async def test_what_one_that_died_has_not_told_is_told_by_the_next_and_nothing_twice(
    farm: Farm, settings: CommonSettings, tmp_path: Path
) -> None:
    endpoint = await farm.endpoint()
    now = clock.now_ticks()
    done = replace(farm.job(endpoint, start=0, end=3), status=HarvestStatus.FAILED, message="for a reason")
    untold = await farm.submit(replace(done, ended_at=now))
    long_ago = replace(done, id="long-ago", guid="b" * 32, ended_at=now - ticks.from_seconds(3_600))
    event = harvest_event(long_ago)
    # Stored longer ago than the stream remembers message ids: as if it had none.
    await farm.bus.publish(keys.event_subject(event.kind, event.channel, event.about), codec.encode(event))
    await farm.submit(long_ago)
    with HarvesterProcess(tmp_path, settings):
        for job in (untold, long_ago):
            assert (await farm.done(job)).status is HarvestStatus.FAILED
    assert sorted(event.harvest_job_id or "" for event in await farm.events()) == sorted([untold.id, "long-ago"])

"""What processes of this release do with records that a newer one has written, against a real nats-server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from understudy_controller.loop.harvest_pins import HarvestPins
from understudy_controller.loop.lease_view import LeaseView
from understudy_domain import codec, keys
from understudy_domain.channel import Channel, HlsPackage, OriginEndpoint
from understudy_domain.errors import NewerRecord
from understudy_domain.harvest_job import HarvestDestination, HarvestJob
from understudy_domain.ownership import Lease
from understudy_ingest.errors import UnknownPath
from understudy_ingest.inputs import Inputs
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import OfANewerRelease
from understudy_runtime.harvest_jobs import HarvestJobs
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue

CHANNEL = Channel("news", "a" * 32, (), 0)
ENDPOINT = OriginEndpoint("news-hls", "b" * 32, "news", "a" * 32, 0, HlsPackage())
JOB = HarvestJob("job", "c" * 32, ENDPOINT, 0, 1, HarvestDestination("bucket", "key", "role"), 0)


def newer(value: object) -> bytes:
    """The record, of a version that this release does not read."""
    plain = json.loads(codec.encode(value))
    return json.dumps(plain | {"version": plain["version"] + 1}).encode()


def with_more(value: object) -> bytes:
    """The record, with fields that this release does not know."""
    plain = json.loads(codec.encode(value))
    package = {"hls_package": plain["hls_package"] | {"of_a_newer_release": [1]}} if "hls_package" in plain else {}
    return json.dumps(plain | package | {"of_a_newer_release": {"a": 1}}).encode()


@pytest.fixture
async def store(bus: Bus) -> AsyncIterator[ConfigStore]:
    store = ConfigStore(bus)
    await store.start()
    yield store
    await store.stop()


async def test_fields_of_a_newer_release_survive_a_change_of_the_configuration_through_this_one(
    bus: Bus, store: ConfigStore
) -> None:
    bucket = KeyValue(bus, keys.CONFIG_BUCKET)
    revision = await bucket.create(keys.origin_endpoint_key("news-hls"), with_more(ENDPOINT))
    await store.ensure_current()
    assert store.origin_endpoints["news-hls"].value == ENDPOINT
    changed = replace(ENDPOINT, description="changed", hls_package=HlsPackage(playlist_window_seconds=30))
    revision = await store.update(changed, revision)
    await store.update(replace(changed, description="again"), revision)
    stored = json.loads((await bucket.get(keys.origin_endpoint_key("news-hls"))).value or b"")
    assert stored["of_a_newer_release"] == {"a": 1}
    assert stored["hls_package"]["of_a_newer_release"] == [1]
    assert (stored["description"], stored["hls_package"]["playlist_window_seconds"]) == ("again", 30)


async def test_what_a_newer_release_configured_keeps_its_last_form_here_and_is_no_unknown_path(
    bus: Bus, store: ConfigStore
) -> None:
    inputs = Inputs(store, nonce_seconds=60)
    with pytest.raises(UnknownPath):
        await inputs.find(f"/in/v2/{'f' * 32}/{'e' * 32}/channel.m3u8")
    revision = await store.create(ENDPOINT)
    bucket = KeyValue(bus, keys.CONFIG_BUCKET)
    await bucket.update(keys.origin_endpoint_key("news-hls"), newer(ENDPOINT), revision=revision)
    await bucket.create(keys.channel_key("news"), newer(CHANNEL))
    await store.ensure_current()
    assert store.origin_endpoints["news-hls"].value == ENDPOINT
    assert store.malformed_total == 2
    assert store.unreadable == {keys.channel_key("news"), keys.origin_endpoint_key("news-hls")}
    with pytest.raises(OfANewerRelease, match="newer release"):
        await inputs.find(f"/in/v2/{'a' * 32}/{'e' * 32}/channel.m3u8")


async def test_a_harvest_job_of_a_newer_release_keeps_everything_and_its_fields_survive(bus: Bus) -> None:
    jobs, bucket = HarvestJobs(bus), KeyValue(bus, keys.HARVEST_BUCKET)
    await bucket.create(keys.harvest_job_key("job"), with_more(JOB))
    job, revision = await jobs.get("job")
    assert job == JOB
    await jobs.update(replace(job, message="works"), revision=revision)
    stored = json.loads((await bucket.get(keys.harvest_job_key("job"))).value or b"")
    assert stored["of_a_newer_release"] == {"a": 1}
    assert stored["message"] == "works"
    pins = HarvestPins(bus, is_ours=lambda _: False)
    await pins.read()
    await bucket.create(keys.harvest_job_key("newer"), newer(JOB))
    with pytest.raises(NewerRecord, match="newer"):
        await pins.read()
    await bucket.purge(keys.harvest_job_key("newer"))
    await pins.read()


async def test_leases_of_a_newer_release_are_somebody_elses(bus: Bus) -> None:
    bucket = KeyValue(bus, keys.LEASES_BUCKET)
    view = LeaseView(bucket, "me", on_change=lambda: None)
    following = asyncio.create_task(view.follow())
    try:
        await bucket.put(keys.lease_key(3), newer(Lease("other")))
        await bucket.put(keys.replica_key("other"), newer(Lease("other")))
        await bucket.put(keys.replica_key("me"), codec.encode(Lease("me")))
        async with asyncio.timeout(10):
            while not view.is_current:  # noqa: ASYNC110  # a poll with a deadline
                await asyncio.sleep(0.02)
        assert view.leases[3].replica != "me"
        assert view.leases[3].is_live(view.now)
        assert {seen.replica for seen in view.replicas.values()} == {"me", "other"}
        assert 3 in view.revisions
    finally:
        following.cancel()

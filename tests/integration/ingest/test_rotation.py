"""Credentials are rotated through the control API while encoders push: with a grace period, and without."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.control_process import Controller
from support.encoded_media import AAC, H264, encode
from understudy_domain.channel import Channel, IngestEndpoint
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.settings import CommonSettings

from .conftest import Arrivals, IngestProcess, PushingEncoder, StartIngest, new_channel

GRACE_SECONDS = 600
NOTICED_SECONDS = 20.0
"""What was written reaches every process within milliseconds; the rest is for a machine that is busy."""


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return encode(tmp_path_factory.mktemp("muxed"), f"{H264} {AAC}")[0].read_bytes()


@pytest.fixture
def settings(shared_settings: CommonSettings) -> CommonSettings:
    return shared_settings


@pytest.fixture
def start_controller(settings: CommonSettings, tmp_path: Path) -> Iterator[Callable[..., Controller]]:
    started: list[Controller] = []

    def start(**extra: str) -> Controller:
        controller = Controller(tmp_path, nats_url=settings.nats_url, retention_interval_seconds="0", **extra)
        started.append(controller)
        controller.start()
        controller.wait_until_answering()
        return controller

    yield start
    for controller in started:
        controller.close()


def _url(ingest: IngestProcess, channel: Channel, name: str = "1.ts") -> str:
    return f"{ingest.url}/in/v2/{channel.guid}/{channel.guid}/{name}"


def _rotate(controller: Controller, channel: Channel) -> httpx.DigestAuth:
    """Rotate input 1's credentials; the new ones."""
    answer = controller.client().rotate_ingest_endpoint_credentials(Id=channel.id, IngestEndpointId=channel.guid)
    first: dict[str, Any] = answer["HlsIngest"]["IngestEndpoints"][0]
    return httpx.DigestAuth(first["Username"], first["Password"])


def _old(channel: Channel) -> httpx.DigestAuth:
    endpoint: IngestEndpoint = channel.ingest_endpoints[0]
    return httpx.DigestAuth(endpoint.username, endpoint.password)


async def _until(status: int, client: httpx.AsyncClient, url: str, segment: bytes) -> None:
    async with asyncio.timeout(NOTICED_SECONDS):
        while (await client.put(url, content=segment)).status_code != status:  # noqa: ASYNC110  # with a deadline
            await asyncio.sleep(0.01)


async def test_no_upload_fails_through_a_rotation_with_a_grace_period(
    start_ingest: StartIngest,
    start_controller: Callable[..., Controller],
    channel: Channel,
    arrivals: Arrivals,
    segment: bytes,
    encoders: list[PushingEncoder],
    tmp_path: Path,
) -> None:
    controller = start_controller(credentials_grace_seconds=str(GRACE_SECONDS))
    ingests = [start_ingest(), start_ingest()]
    encoder = PushingEncoder(ingests[0], channel, persistent=False, seconds=6, log_path=tmp_path / "ffmpeg.log")
    encoders.append(encoder)
    kept = [httpx.AsyncClient(auth=_old(channel)) for _ in ingests]
    for client, ingest in zip(kept, ingests, strict=True):
        assert (await client.put(_url(ingest, channel), content=segment)).status_code == 201
    await arrivals.wait_for_segments(4)

    new = await asyncio.to_thread(_rotate, controller, channel)

    async with httpx.AsyncClient(auth=new) as fresh, httpx.AsyncClient(auth=_old(channel)) as late:
        for client, ingest in zip(kept, ingests, strict=True):
            await _until(201, fresh, _url(ingest, channel), segment)
            for one in (client, late, fresh):
                assert (await one.put(_url(ingest, channel), content=segment)).status_code == 201
    assert await encoder.end() == 0, encoder.log_path.read_text()
    pushed = {fact.path for fact in await arrivals.wait_for_segments(14)}
    assert pushed == {"1.ts", *(f"media/{number:05d}.ts" for number in range(6))}
    for client in kept:
        await client.aclose()
    logs = [controller.log(), *(ingest.log() for ingest in ingests)]
    assert not any("refused an upload" in log for log in logs[1:])
    for secret in (channel.ingest_endpoints[0].password, new._password.decode()):
        assert not any(secret in log for log in logs)


async def test_without_a_grace_period_every_process_refuses_the_old_pair_and_ends_what_had_begun(
    start_ingest: StartIngest,
    start_controller: Callable[..., Controller],
    channel: Channel,
    arrivals: Arrivals,
    segment: bytes,
) -> None:
    controller = start_controller()
    ingests = [start_ingest(), start_ingest()]
    rotated = asyncio.Event()
    has_begun = asyncio.Event()

    async def slow_body() -> AsyncIterator[bytes]:
        yield segment[:1000]
        has_begun.set()
        await rotated.wait()
        yield segment[1000:]

    async with httpx.AsyncClient(auth=_old(channel)) as old, httpx.AsyncClient(auth=_old(channel)) as slow:
        for ingest in ingests:
            assert (await old.put(_url(ingest, channel), content=segment)).status_code == 201
        assert (await slow.put(_url(ingests[0], channel), content=segment)).status_code == 201
        under_way = asyncio.create_task(slow.put(_url(ingests[0], channel, "slow.ts"), content=slow_body()))
        await has_begun.wait()

        new = await asyncio.to_thread(_rotate, controller, channel)
        for ingest in ingests:
            await _until(401, old, _url(ingest, channel), segment)
        rotated.set()

        assert (await under_way).status_code == 201
    async with httpx.AsyncClient(auth=new) as fresh:
        for ingest in ingests:
            assert (await fresh.put(_url(ingest, channel), content=segment)).status_code == 201
    assert "slow.ts" in {fact.path for fact in await arrivals.segments()}


async def test_the_old_form_of_url_means_the_channel_that_has_the_id_now(
    start_ingest: StartIngest, config: ConfigStore, channel: Channel, arrivals: Arrivals, segment: bytes
) -> None:
    ingest = start_ingest()
    url = f"{ingest.url}/in/v1/{channel.id}/channel_00001.ts"
    async with httpx.AsyncClient(auth=_old(channel)) as client:
        assert (await client.put(url, content=segment)).status_code == 201
        await config.delete(channel, config.channels[channel.id].revision)
        await _until(404, client, url, segment)

        guid = new_channel().guid
        again = Channel(
            channel.id, guid, (IngestEndpoint(guid, "again", "anew"), channel.ingest_endpoints[1]), channel.created_at
        )
        await config.create(again)
        await _until(401, client, url, segment)
    async with httpx.AsyncClient(auth=httpx.DigestAuth("again", "anew")) as client:
        assert (await client.put(url, content=segment)).status_code == 201
        assert (await client.put(f"{ingest.url}/in/v1/nobody/1.ts", content=segment)).status_code == 404
    second = Arrivals(arrivals._bus, again, 1)
    assert {fact.path for fact in await arrivals.segments()} == {"channel_00001.ts"}
    assert [fact.path for fact in await second.segments()] == ["channel_00001.ts"]

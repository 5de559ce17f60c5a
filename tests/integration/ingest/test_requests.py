"""Requests to a running ingest process: what is stored and reported, and what is refused and why."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from support.encoded_media import AAC, H264, encode
from support.object_store import S3Server
from understudy_domain import keys
from understudy_domain.channel import Channel
from understudy_domain.facts import MultivariantArrived, PlaylistArrived, SegmentArrived
from understudy_domain.media import TrackKind
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings

from .conftest import Arrivals, IngestProcess, new_channel

PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2,\na.ts\n#EXTINF:2,\nb.ts\n"


@pytest.fixture(scope="session")
def segments(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return [path.read_bytes() for path in encode(tmp_path_factory.mktemp("muxed"), f"{H264} {AAC}")]


@pytest.fixture
def settings(shared_settings: CommonSettings) -> CommonSettings:
    return shared_settings


@pytest.fixture
def ingest(shared_ingest: IngestProcess) -> IngestProcess:
    return shared_ingest


def _url(ingest: IngestProcess, channel: Channel, name: str, *, input_id: int = 1) -> str:
    endpoint = channel.ingest_endpoints[input_id - 1]
    return f"{ingest.url}/in/v2/{channel.guid}/{endpoint.id}/{name}"


def _digest(channel: Channel, input_id: int = 1) -> httpx.DigestAuth:
    endpoint = channel.ingest_endpoints[input_id - 1]
    return httpx.DigestAuth(endpoint.username, endpoint.password)


async def test_a_segment_is_stored_and_reported_before_it_is_acknowledged(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, settings: CommonSettings, segments: list[bytes]
) -> None:
    async with httpx.AsyncClient(auth=_digest(channel)) as client:
        answer = await client.put(_url(ingest, channel, "high/1%20a.ts?token=x"), content=segments[0])

    assert answer.status_code == 201, answer.text
    (fact,) = await arrivals.segments()
    assert fact.path == "high/1 a.ts"
    assert fact.size == len(segments[0])
    key = keys.parse_media_object_key(fact.object_key)
    assert (key.channel_guid, key.input_id, key.suffix) == (channel.guid, 1, "ts")
    assert await ObjectStore(settings).get(fact.object_key) == segments[0]
    video, audio = fact.probe.tracks
    assert (video.kind, video.width, video.height, video.frame_rate) == (TrackKind.VIDEO, 320, 180, "25")
    assert (video.frames, video.duration, video.key_frame_first) == (50, 180_000, True)
    assert (audio.kind, audio.codec, audio.sample_rate, audio.channels) == (TrackKind.AUDIO, "mp4a.40.2", 48_000, 2)
    assert ingest.metric("understudy_ingest_segments_total", channel=channel.id, input="1") == 1


async def test_the_same_name_twice_is_two_objects(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, segments: list[bytes]
) -> None:
    async with httpx.AsyncClient(auth=_digest(channel)) as client:
        answers = await asyncio.gather(
            *(client.put(_url(ingest, channel, "1.ts"), content=segments[0]) for _ in range(4))
        )

    assert [answer.status_code for answer in answers] == [201] * 4
    facts = await arrivals.segments()
    assert len({fact.object_key for fact in facts}) == 4
    assert len({fact.probe.digest for fact in facts}) == 1


@pytest.mark.compatibility("Channel.hlsIngest.ingestEndpoints.username", "Channel.hlsIngest.ingestEndpoints.password")
async def test_the_inputs_of_a_channel_are_told_apart_by_url_and_credentials(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, segments: list[bytes]
) -> None:
    before = ingest.metric("understudy_ingest_rejected_total", reason="unauthorized")
    second = Arrivals(arrivals._bus, channel, 2)
    endpoint = channel.ingest_endpoints[1]
    async with httpx.AsyncClient() as client:
        url = _url(ingest, channel, "1.ts", input_id=2)
        answer = await client.put(url, content=segments[0], auth=httpx.BasicAuth(endpoint.username, endpoint.password))
        wrong = await client.put(url, content=segments[0], auth=_digest(channel, 1))

    assert answer.status_code == 201
    assert wrong.status_code == 401
    assert "each of a channel's two input URLs has its own" in wrong.text
    assert not await arrivals.segments()
    assert len(await second.segments()) == 1
    assert ingest.metric("understudy_ingest_rejected_total", reason="unauthorized") == before + 1
    assert ingest.metric("understudy_ingest_unauthorized_total", channel=channel.id, input="2") == 1
    (line,) = [one for one in ingest.log().splitlines() if f"channel={channel.id}  input=2" in one]
    assert "reason=unauthorized" in line
    assert f"request_id={wrong.headers['x-amzn-requestid']}" in line


async def test_a_playlist_is_reported_once_and_then_only_what_is_new_in_it(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals
) -> None:
    later = PLAYLIST + b"#EXTINF:2,\nc.ts\n#EXT-X-ENDLIST\n"
    async with httpx.AsyncClient(auth=_digest(channel)) as client:
        url = _url(ingest, channel, "high/index.m3u8")
        for body in (PLAYLIST, PLAYLIST, later):
            assert (await client.put(url, content=body)).status_code == 200

    first, second = await arrivals.all()
    assert isinstance(first, PlaylistArrived)
    assert isinstance(second, PlaylistArrived)
    assert [line.path for line in first.lines] == ["high/a.ts", "high/b.ts"]
    assert [line.source_sequence for line in first.lines] == [7, 8]
    assert [(line.path, line.source_sequence) for line in second.lines] == [("high/c.ts", 9)]
    assert second.ended


async def test_a_gzipped_multivariant_playlist_is_reported_when_it_changes(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals
) -> None:
    body = gzip.compress(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\nhigh/index.m3u8\n")
    async with httpx.AsyncClient(auth=_digest(channel), headers={"Content-Encoding": "gzip"}) as client:
        for _ in range(2):
            assert (await client.post(_url(ingest, channel, "channel.m3u8"), content=body)).status_code == 200

    (fact,) = await arrivals.all()
    assert isinstance(fact, MultivariantArrived)
    assert fact.variants[0].path == "high/index.m3u8"


REFUSED = {
    "html": ("x.m3u8", b"<html>", 400, "line 1"),
    "cut playlist": ("x.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n", 400, "line 3"),
    "encrypted": (
        "x.m3u8",
        b'#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:2,\na.ts\n',
        422,
        "AES-128",
    ),
    "foreign": ("x.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n../../a.ts\n", 422, "input URL"),
    "byte ranges": (
        "x.m3u8",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n#EXT-X-BYTERANGE:1@0\na.ts\n",
        415,
        "one",
    ),
    "fmp4": ("1.m4s", b"\0\0\0\x18ftypiso5" + bytes(400), 415, "MPEG-TS"),
    "noise": ("1.ts", b"noise" * 100, 415, "188"),
    "empty": ("1.ts", b"", 422, "empty"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_used_is_refused_with_a_reason(
    what: str, ingest: IngestProcess, channel: Channel, arrivals: Arrivals
) -> None:
    name, body, status, reason = REFUSED[what]
    async with httpx.AsyncClient(auth=_digest(channel)) as client:
        answer = await client.put(_url(ingest, channel, name), content=body)

    assert answer.status_code == status, answer.text
    assert reason in answer.text
    assert not await arrivals.all()


async def test_wrong_paths_say_what_is_wrong_with_them(ingest: IngestProcess, channel: Channel) -> None:
    guid = channel.guid
    async with httpx.AsyncClient(auth=_digest(channel)) as client:
        for path, reason in {
            "/in/v2/nothing": "an input URL is",
            "/elsewhere/1.ts": "an input URL is",
            f"/in/v2/{'0' * 32}/{'0' * 32}/1.ts": "there is no channel",
            f"/in/v2/{guid}/{'0' * 32}/1.ts": "no ingest endpoint",
            f"/in/v2/{guid}/{guid}/%2e%2e/1.ts": "not a file name",
        }.items():
            answer = await client.put(f"{ingest.url}{path}", content=b"x")
            assert answer.status_code == 404, (path, answer.text)
            assert reason in answer.text, path


async def test_deleting_and_asking_are_answered_and_change_nothing(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals
) -> None:
    async with httpx.AsyncClient(auth=_digest(channel)) as client:
        url = _url(ingest, channel, "1.ts")
        assert (await client.delete(url)).status_code == 200
        assert "PUT" in (await client.options(url)).headers["allow"]
        for folder in ("high", "high/"):
            assert (await client.request("MKCOL", _url(ingest, channel, folder))).status_code == 201
        assert (await client.get(url)).status_code == 405
        assert (await client.put(_url(ingest, channel, "1.vtt"), content=b"WEBVTT\n")).status_code == 200
    assert not await arrivals.all()


async def test_a_channel_is_known_as_soon_as_it_is_written_and_leaves_no_series_when_it_is_deleted(
    ingest: IngestProcess, config: ConfigStore, segments: list[bytes]
) -> None:
    channel = new_channel()
    revision = await config.create(channel)
    async with httpx.AsyncClient(auth=_digest(channel)) as client:
        url = _url(ingest, channel, "1.ts")
        assert (await client.put(url, content=segments[0])).status_code == 201
        assert channel.id in (await client.get(f"{ingest.url}/metrics")).text
        await config.delete(channel, revision)
        async with asyncio.timeout(5):
            while (await client.put(url, content=segments[0])).status_code != 404:
                pass  # the process hears of it in a moment
        assert channel.id not in (await client.get(f"{ingest.url}/metrics")).text


async def test_an_upload_that_its_channel_does_not_live_to_see_leaves_no_series(
    ingest: IngestProcess, config: ConfigStore, segments: list[bytes]
) -> None:
    channel = new_channel()
    revision = await config.create(channel)
    url = _url(ingest, channel, "1.ts")
    auth = httpx.BasicAuth(channel.ingest_endpoints[0].username, channel.ingest_endpoints[0].password)
    async with httpx.AsyncClient(auth=auth) as client:

        async def body() -> AsyncIterator[bytes]:
            yield segments[0][:1_000]
            await asyncio.sleep(0.2)  # the head is judged as soon as it is there
            await config.delete(channel, revision)
            assert (await client.put(url, content=segments[0])).status_code == 404
            yield segments[0][1_000:]

        assert (await client.put(url, content=body())).status_code == 201
        assert channel.id not in (await client.get(f"{ingest.url}/metrics")).text


async def test_a_segment_gzipped_in_members_is_stored_whole(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, segments: list[bytes]
) -> None:
    middle = len(segments[0]) // 376 * 188
    members = gzip.compress(segments[0][:middle]) + gzip.compress(segments[0][middle:])
    async with httpx.AsyncClient(auth=_digest(channel), headers={"Content-Encoding": "gzip"}) as client:
        assert (await client.put(_url(ingest, channel, "1.ts"), content=members)).status_code == 201
    (fact,) = await arrivals.all()
    assert isinstance(fact, SegmentArrived)
    assert fact.size == len(segments[0])


async def test_a_body_gzipped_in_more_members_than_anybody_makes_is_refused(
    ingest: IngestProcess, channel: Channel
) -> None:
    members = gzip.compress(b"") * 256 + gzip.compress(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000\na.m3u8\n")
    async with httpx.AsyncClient(auth=_digest(channel), headers={"Content-Encoding": "gzip"}) as client:
        answer = await client.put(_url(ingest, channel, "index.m3u8"), content=members)
    assert (answer.status_code, answer.headers["x-understudy-error"]) == (400, "not_a_playlist")
    assert "members" in answer.text


async def test_any_process_accepts_the_nonce_of_any_other(
    start_ingest: object, channel: Channel, segments: list[bytes], s3_server: S3Server, tmp_path: Path
) -> None:
    one, other = start_ingest(), start_ingest()  # type: ignore[operator]
    async with httpx.AsyncClient(auth=_digest(channel)) as client:
        assert (await client.put(_url(one, channel, "1.ts"), content=segments[0])).status_code == 201
        answer = await client.put(_url(other, channel, "2.ts"), content=segments[1])
    assert answer.status_code == 201
    assert not answer.history, "no second challenge"
    assert hashlib.md5(segments[0]).hexdigest() != hashlib.md5(segments[1]).hexdigest()

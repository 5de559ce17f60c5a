"""Real FFmpegs push in real time; storage and bus go away for a while; the process is replaced under them."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from support.nats_server import NatsServer
from understudy_domain.channel import Channel
from understudy_domain.facts import MultivariantArrived, PlaylistArrived
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings

from .conftest import Arrivals, IngestProcess

SEGMENT_SECONDS = 1


class PushingEncoder:
    """One FFmpeg that pushes test pictures and sound in real time."""

    def __init__(
        self, ingest: IngestProcess, channel: Channel, *, persistent: bool, seconds: float, log_path: Path
    ) -> None:
        endpoint = channel.ingest_endpoints[0]
        base = (
            f"http://{endpoint.username}:{endpoint.password}@127.0.0.1:{ingest.port}/in/v2/{channel.guid}/{endpoint.id}"
        )
        self.log_path = log_path
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "warning", "-nostdin", "-re"]
        command += ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000"]
        command += ["-t", str(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-sc_threshold", "0"]
        command += ["-c:a", "aac", "-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_list_size", "4"]
        command += ["-hls_flags", "program_date_time+delete_segments", "-master_pl_name", "channel.m3u8"]
        command += ["-method", "PUT", "-http_persistent", str(int(persistent))]
        command += ["-hls_segment_filename", f"{base}/media/%05d.ts", f"{base}/media/index.m3u8"]
        with log_path.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    async def end(self, *, within_seconds: float = 40.0) -> int:
        """Its exit status."""
        return await asyncio.to_thread(self.process.wait, within_seconds)

    def close(self) -> None:
        """End it whatever its state."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)


@pytest.fixture
def encoders() -> Iterator[list[PushingEncoder]]:
    started: list[PushingEncoder] = []
    yield started
    for encoder in started:
        encoder.close()


async def _assert_continuous(arrivals: Arrivals, count: int) -> None:
    """Every segment arrived, once, and the next begins where its video ends."""
    segments = sorted(await arrivals.segments(), key=lambda fact: fact.path)
    assert [fact.path for fact in segments] == [f"media/{number:05d}.ts" for number in range(count)]
    for before, after in itertools.pairwise(segments):
        ends, begins = before.probe.leading, after.probe.leading
        assert ends is not None
        assert begins is not None
        assert ends.first_timestamp + ends.duration == begins.first_timestamp


@pytest.mark.parametrize("persistent", [False, True], ids=["a connection each", "one connection"])
async def test_an_encoder_that_pushes_with_digest_loses_nothing(
    persistent: bool,
    ingest: IngestProcess,
    channel: Channel,
    arrivals: Arrivals,
    settings: CommonSettings,
    encoders: list[PushingEncoder],
    tmp_path: Path,
) -> None:
    encoder = PushingEncoder(ingest, channel, persistent=persistent, seconds=6, log_path=tmp_path / "ffmpeg.log")
    encoders.append(encoder)

    assert await encoder.end() == 0, encoder.log_path.read_text()

    await arrivals.wait_for_segments(6, within_seconds=5)
    await _assert_continuous(arrivals, 6)
    facts = await arrivals.all()
    assert any(isinstance(fact, MultivariantArrived) and fact.path == "media/channel.m3u8" for fact in facts)
    playlists = [fact for fact in facts if isinstance(fact, PlaylistArrived)]
    lines = [line for fact in playlists for line in fact.lines]
    assert [line.path for line in lines] == [f"media/{number:05d}.ts" for number in range(6)]
    assert all(line.program_date_time is not None for line in lines)
    assert playlists[-1].ended
    for fact in await arrivals.segments():
        assert len(await ObjectStore(settings).get(fact.object_key)) == fact.size
    assert "refused an upload" not in ingest.log()


async def test_a_bus_that_is_away_for_less_than_an_upload_is_held_costs_nothing(
    ingest: IngestProcess,
    channel: Channel,
    arrivals: Arrivals,
    nats_server: NatsServer,
    encoders: list[PushingEncoder],
    tmp_path: Path,
) -> None:
    encoder = PushingEncoder(ingest, channel, persistent=True, seconds=9, log_path=tmp_path / "ffmpeg.log")
    encoders.append(encoder)
    await arrivals.wait_for_segments(2)

    nats_server.pause()
    await asyncio.sleep(3.5)
    nats_server.resume()

    assert await encoder.end() == 0, encoder.log_path.read_text()
    await arrivals.wait_for_segments(9, within_seconds=8)
    await _assert_continuous(arrivals, 9)
    assert ingest.metric("understudy_ingest_rejected_total", reason="held_too_long") == 0


async def test_a_bus_that_is_restarted_costs_nothing(
    ingest: IngestProcess,
    channel: Channel,
    arrivals: Arrivals,
    nats_server: NatsServer,
    encoders: list[PushingEncoder],
    tmp_path: Path,
) -> None:
    encoder = PushingEncoder(ingest, channel, persistent=False, seconds=8, log_path=tmp_path / "ffmpeg.log")
    encoders.append(encoder)
    await arrivals.wait_for_segments(2)

    await asyncio.to_thread(nats_server.restart)

    assert await encoder.end() == 0, encoder.log_path.read_text()
    await arrivals.wait_for_segments(8, within_seconds=8)
    await _assert_continuous(arrivals, 8)


@pytest.mark.parametrize("persistent", [False, True], ids=["a connection each", "one connection"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_refuses_no_connection_and_encoders_go_on(
    how: signal.Signals,
    persistent: bool,
    ingest: IngestProcess,
    channel: Channel,
    arrivals: Arrivals,
    encoders: list[PushingEncoder],
    tmp_path: Path,
) -> None:
    encoder = PushingEncoder(ingest, channel, persistent=persistent, seconds=10, log_path=tmp_path / "ffmpeg.log")
    encoders.append(encoder)
    await arrivals.wait_for_segments(3)

    status = await asyncio.to_thread(ingest.stop, how)
    assert status == (0 if how is signal.SIGTERM else -how)
    await asyncio.to_thread(ingest.start)

    assert await encoder.end() == 0, encoder.log_path.read_text()
    await arrivals.wait_for_segments(10 if how is signal.SIGTERM else 9, within_seconds=8)
    if how is signal.SIGTERM:
        await _assert_continuous(arrivals, 10)

"""An ingest process on a port of its own, a channel to push to, and a reader of what it reports."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import imageio_ffmpeg
import pytest

from support import plain_http
from support.deadline import eventually
from support.encoded_media import AAC, H264, encode
from understudy_domain import codec, keys
from understudy_domain.channel import Channel, IngestEndpoint
from understudy_domain.facts import MultivariantArrived, PlaylistArrived, SegmentArrived
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.settings import CommonSettings

Fact = SegmentArrived | PlaylistArrived | MultivariantArrived

START_SECONDS = 20.0
SEGMENT_SECONDS = 1


class IngestProcess:
    """``python -m understudy_ingest`` on an inherited socket, as a supervisor starts it."""

    def __init__(self, settings: CommonSettings, log_path: Path, extra: dict[str, str]) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._socket.set_inheritable(True)
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._log_path = log_path
        assert settings.s3_secret_access_key is not None
        self._environment = os.environ | {
            "UNDERSTUDY_NATS_URL": settings.nats_url,
            "UNDERSTUDY_S3_ENDPOINT_URL": str(settings.s3_endpoint_url),
            "UNDERSTUDY_S3_BUCKET": settings.s3_bucket,
            "UNDERSTUDY_S3_ACCESS_KEY_ID": str(settings.s3_access_key_id),
            "UNDERSTUDY_S3_SECRET_ACCESS_KEY": settings.s3_secret_access_key.get_secret_value(),
            "UNDERSTUDY_LISTEN_FD": str(self._socket.fileno()),
            "UNDERSTUDY_LOG_FORMAT": "text",
            **extra,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True) -> None:
        """Start it; with ``ready``, wait until it says so."""
        with self._log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "understudy_ingest"],
                env=self._environment,
                pass_fds=[self._socket.fileno()],
                stdout=log,
                stderr=log,
            )
        if ready:
            eventually(self._is_ready, within_seconds=START_SECONDS, what=f"ingest is ready, see {self._log_path}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=5)
            raise

    def close(self) -> None:
        """End it whatever its state, and its socket."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=5)
        self._socket.close()

    def log(self) -> str:
        """What it has said so far."""
        return self._log_path.read_text(errors="replace")

    def metric(self, name: str, **labels: str) -> float:
        """One sample, 0 where there is none."""
        wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
        for line in plain_http.get(f"{self.url}/metrics").text.splitlines():
            if line.startswith(f"{name}{{{wanted}}} " if wanted else f"{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            return plain_http.get(f"{self.url}/readyz", timeout=1).status_code == 200
        except httpx.TransportError:
            return False


StartIngest = Callable[..., IngestProcess]


@pytest.fixture(scope="session")
def segment(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """2 s of pictures and sound."""
    return encode(tmp_path_factory.mktemp("one"), f"{H264} {AAC}", seconds=2)[0].read_bytes()


@pytest.fixture
def start_ingest(settings: CommonSettings, tmp_path: Path) -> Iterator[StartIngest]:
    started: list[IngestProcess] = []

    def start(**extra: str) -> IngestProcess:
        process = IngestProcess(settings, tmp_path / f"ingest-{len(started)}.log", extra)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.close()


@pytest.fixture
def ingest(start_ingest: StartIngest) -> IngestProcess:
    return start_ingest()


@pytest.fixture(scope="session")
def shared_ingest(shared_settings: CommonSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngestProcess]:
    """One process for all tests that need no settings of their own and take nothing away."""
    process = IngestProcess(shared_settings, tmp_path_factory.mktemp("ingest") / "ingest.log", {})
    process.start()
    yield process
    process.close()


@pytest.fixture
async def bus(settings: CommonSettings) -> AsyncIterator[Bus]:
    bus = await connect(settings, name="test")
    await bus.ensure_streams()
    yield bus
    await bus.close()


@pytest.fixture
async def config(bus: Bus) -> AsyncIterator[ConfigStore]:
    config = ConfigStore(bus)
    await config.start()
    yield config
    await config.stop()


def new_channel() -> Channel:
    """A channel with a random id and random guids, and fixed credentials."""
    guids = [os.urandom(16).hex() for _ in range(2)]
    return Channel(
        id=f"news-{guids[0][:8]}",
        guid=guids[0],
        ingest_endpoints=(IngestEndpoint(guids[0], "user1", "secret-1"), IngestEndpoint(guids[1], "user2", "secret-2")),
        created_at=clock.now_ticks(),
    )


@pytest.fixture
async def channel(config: ConfigStore) -> Channel:
    channel = new_channel()
    await config.create(channel)
    return channel


class Arrivals:
    """Reads the facts of one input."""

    def __init__(self, bus: Bus, channel: Channel, input_id: int) -> None:
        self._bus = bus
        self.subject = keys.arrivals_subject(keys.shard_of(channel.guid, shards=16), channel.guid, input_id)

    async def all(self) -> list[Fact]:
        """Every fact so far, in order."""
        stored = await self._bus.fetch(keys.ARRIVALS_STREAM, self.subject)
        facts = []
        for message in stored:
            fact = codec.decode(message.payload)
            assert isinstance(fact, SegmentArrived | PlaylistArrived | MultivariantArrived)
            facts.append(fact)
        return facts

    async def segments(self) -> list[SegmentArrived]:
        """The segments so far."""
        return [fact for fact in await self.all() if isinstance(fact, SegmentArrived)]

    async def wait_for_segments(self, count: int, *, within_seconds: float = 30.0) -> list[SegmentArrived]:
        """At least ``count`` segments."""
        async with asyncio.timeout(within_seconds):
            while len(found := await self.segments()) < count:  # noqa: ASYNC110  # a poll with a deadline
                await asyncio.sleep(0.1)
        return found


@pytest.fixture
def arrivals(bus: Bus, channel: Channel) -> Arrivals:
    """Of input 1."""
    return Arrivals(bus, channel, 1)


class PushingEncoder:
    """One FFmpeg that pushes test pictures and sound in real time."""

    def __init__(
        self,
        ingest: IngestProcess,
        channel: Channel,
        *,
        persistent: bool,
        seconds: float,
        log_path: Path,
        folder: str | None = None,
    ) -> None:
        """Push to input 1, by its own URL or to another ``folder``."""
        endpoint = channel.ingest_endpoints[0]
        folder = folder or f"/in/v2/{channel.guid}/{endpoint.id}"
        base = f"http://{endpoint.username}:{endpoint.password}@127.0.0.1:{ingest.port}{folder}"
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

"""Real FFmpegs push in real time; storage and bus go away for a while; the process is replaced under them."""

from __future__ import annotations

import asyncio
import itertools
import signal
from pathlib import Path

import pytest

from support.nats_server import NatsServer
from understudy_domain.channel import Channel
from understudy_domain.facts import MultivariantArrived, PlaylistArrived
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings

from .conftest import Arrivals, IngestProcess, PushingEncoder, StartIngest

pytestmark = pytest.mark.takes(seconds=45)


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

    await arrivals.wait_for_segments(6)
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


async def test_an_encoder_with_the_old_form_of_url_is_input_1(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, encoders: list[PushingEncoder], tmp_path: Path
) -> None:
    encoder = PushingEncoder(
        ingest, channel, folder=f"/in/v1/{channel.id}", persistent=False, seconds=3, log_path=tmp_path / "ffmpeg.log"
    )
    encoders.append(encoder)

    assert await encoder.end() == 0, encoder.log_path.read_text()

    await arrivals.wait_for_segments(3)
    await _assert_continuous(arrivals, 3)
    playlists = [fact for fact in await arrivals.all() if isinstance(fact, PlaylistArrived)]
    assert [line.path for fact in playlists for line in fact.lines] == [f"media/{number:05d}.ts" for number in range(3)]
    assert "refused an upload" not in ingest.log()


async def test_a_bus_that_is_away_for_less_than_an_upload_is_held_costs_nothing(
    start_ingest: StartIngest,
    channel: Channel,
    arrivals: Arrivals,
    nats_server: NatsServer,
    encoders: list[PushingEncoder],
    tmp_path: Path,
) -> None:
    # Longer than NATS is asked for once, and on no machine as long as an upload is held.
    ingest = start_ingest(UNDERSTUDY_HOLD_SECONDS="60", UNDERSTUDY_NATS_TIMEOUT_SECONDS="1")
    encoder = PushingEncoder(ingest, channel, persistent=True, seconds=7, log_path=tmp_path / "ffmpeg.log")
    encoders.append(encoder)
    await arrivals.wait_for_segments(2)

    nats_server.pause()
    await asyncio.sleep(2.5)
    nats_server.resume()

    assert await encoder.end() == 0, encoder.log_path.read_text()
    await arrivals.wait_for_segments(7)
    await _assert_continuous(arrivals, 7)
    assert ingest.metric("understudy_ingest_rejected_total", reason="held_too_long") == 0


async def test_a_bus_that_is_restarted_costs_nothing(
    ingest: IngestProcess,
    channel: Channel,
    arrivals: Arrivals,
    nats_server: NatsServer,
    encoders: list[PushingEncoder],
    tmp_path: Path,
) -> None:
    encoder = PushingEncoder(ingest, channel, persistent=False, seconds=6, log_path=tmp_path / "ffmpeg.log")
    encoders.append(encoder)
    await arrivals.wait_for_segments(2)

    await asyncio.to_thread(nats_server.restart)

    assert await encoder.end() == 0, encoder.log_path.read_text()
    await arrivals.wait_for_segments(6)
    await _assert_continuous(arrivals, 6)


@pytest.mark.parametrize("persistent", [False, True], ids=["a connection each", "one connection"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_refuses_no_connection_and_encoders_go_on(
    how: signal.Signals,
    persistent: bool,
    start_ingest: StartIngest,
    channel: Channel,
    arrivals: Arrivals,
    encoders: list[PushingEncoder],
    tmp_path: Path,
) -> None:
    ingest = start_ingest(UNDERSTUDY_DRAIN_SECONDS="3")
    encoder = PushingEncoder(ingest, channel, persistent=persistent, seconds=7, log_path=tmp_path / "ffmpeg.log")
    encoders.append(encoder)
    await arrivals.wait_for_segments(2)

    status = await asyncio.to_thread(ingest.stop, how)
    assert status == (0 if how is signal.SIGTERM else -how)
    await asyncio.to_thread(ingest.start)

    assert await encoder.end() == 0, encoder.log_path.read_text()
    await arrivals.wait_for_segments(7 if how is signal.SIGTERM else 6)
    if how is signal.SIGTERM:
        await _assert_continuous(arrivals, 7)
        assert "cut off" not in ingest.log()

"""A harvest job of a programme with a failover in it, on a running stack: the asset is played from its bucket.

The job is made while its window lasts, by boto3; one run, of which the tests look at what came of it.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import imageio_ffmpeg
import pytest
from botocore.config import Config

from support.control import Control
from support.deadline import eventually
from support.encoder import START_SECONDS, Encoder, next_boundary
from support.frame_reader import read_segment
from support.frame_source import FRAMES_PER_SECOND, frame_at, instant_of
from support.hls_reader import MediaPlaylist, read_media_playlist, read_multivariant_playlist
from support.stack import Stack

pytestmark = pytest.mark.takes(seconds=30)

SEGMENT_SECONDS = 2
KILLED_AFTER_SECONDS = 5
WINDOW_SECONDS = (2, 14)
"""After the first frame, whole segments."""
MANIFEST_KEY = "shows/today/show.m3u8"


@dataclass(frozen=True, slots=True)
class HarvestRun:
    """What came of the job."""

    job: dict[str, Any]
    """As DescribeHarvestJob had it in the end."""
    manifest_url: str
    first_frame: int
    """Of the window."""
    events: list[dict[str, Any]]


@pytest.fixture(scope="module")
def run(stack: Stack, control: Control, encoder_logs: Path) -> HarvestRun:
    """The run, once for all tests of this module."""
    with contextlib.ExitStack() as cleanup:
        return _play(stack, control, encoder_logs, cleanup)


def _play(stack: Stack, control: Control, logs: Path, cleanup: contextlib.ExitStack) -> HarvestRun:
    channel = control.create_channel("harvested")
    endpoint = control.create_endpoint("harvested-2s", channel, segment_seconds=SEGMENT_SECONDS)
    control.client.update_origin_endpoint(Id=endpoint.id, StartoverWindowSeconds=600)
    encoders = [Encoder(f"harvested-{number}", channel.inputs[number - 1], log_directory=logs) for number in (1, 2)]
    first_frame = next_boundary(time.time() + START_SECONDS)
    for encoder in encoders:
        cleanup.callback(encoder.close)
        encoder.start(first_frame=first_frame)
    began_at = instant_of(first_frame)
    time.sleep(max(0.0, began_at + KILLED_AFTER_SECONDS - time.time()))
    active = eventually(lambda: control.active_input(endpoint), within_seconds=15, what="an active input")
    job = control.client.create_harvest_job(
        Id="show",
        OriginEndpointId=endpoint.id,
        StartTime=_iso8601(began_at + WINDOW_SECONDS[0]),
        EndTime=_iso8601(began_at + WINDOW_SECONDS[1]),
        S3Destination={"BucketName": _bucket(stack), "ManifestKey": MANIFEST_KEY, "RoleArn": "any"},
    )
    assert job["Status"] == "IN_PROGRESS"
    assert active is not None
    encoders[active - 1].kill()
    done = eventually(lambda: _done(control), within_seconds=40, what="the job is done", poll_seconds=0.25)
    assert done is not None
    bucket = done["S3Destination"]["BucketName"]
    events = eventually(
        lambda: [one for one in control.events(channel) if one["kind"].startswith("harvest")],
        within_seconds=10,
        what="an event tells of it",
    )
    assert control.decisions(endpoint)["failover"] + control.decisions(endpoint)["combine"] >= 1
    return HarvestRun(
        job=done,
        manifest_url=f"{stack.s3_url}/{bucket}/{MANIFEST_KEY}",
        first_frame=frame_at(began_at + WINDOW_SECONDS[0]),
        events=events,
    )


def _iso8601(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _done(control: Control) -> dict[str, Any] | None:
    found: dict[str, Any] = control.client.describe_harvest_job(Id="show")
    return found if found["Status"] != "IN_PROGRESS" else None


def _bucket(stack: Stack) -> str:
    """A new bucket that everybody may read."""
    credentials = stack.credentials
    client = boto3.client(
        "s3",
        endpoint_url=stack.s3_url,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        region_name=credentials.region,
        config=Config(s3={"addressing_style": "path"}),
    )
    name = f"vod-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=name)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    client.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return name


@pytest.fixture(scope="module")
def media(run: HarvestRun) -> MediaPlaylist:
    """The one media playlist."""
    (url,) = read_multivariant_playlist(_text(run.manifest_url), url=run.manifest_url)
    return read_media_playlist(_text(url), url=url)


def _text(url: str) -> str:
    return httpx.get(url).raise_for_status().text


def test_the_job_succeeds_and_an_event_tells_of_it(run: HarvestRun) -> None:
    assert run.job["Status"] == "SUCCEEDED"
    assert [(one["kind"], one["harvest_job"]) for one in run.events] == [("harvest_succeeded", "show")]


def test_every_frame_of_the_window_is_in_the_asset_once(run: HarvestRun, media: MediaPlaylist) -> None:
    assert media.ended
    numbers = [
        number
        for segment in media.segments
        for number in read_segment(httpx.get(segment.url).raise_for_status().content).numbers
    ]
    begin, end = WINDOW_SECONDS
    window = range(run.first_frame, run.first_frame + (end - begin) * FRAMES_PER_SECOND)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    # The published dates may be some frames off the pictures': of the slots at either end there may be one more.
    slack = SEGMENT_SECONDS * FRAMES_PER_SECOND
    assert window.start - slack <= numbers[0] <= window.start
    assert window.stop <= numbers[-1] + 1 <= window.stop + slack


def test_a_player_plays_it_from_the_bucket_without_an_error(run: HarvestRun, media: MediaPlaylist) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-i", run.manifest_url, "-map", "0:v:0"]
    played = subprocess.run([*command, "-f", "framecrc", "-"], capture_output=True, text=True, check=False, timeout=60)
    assert (played.returncode, played.stderr) == (0, "")
    frames = [line for line in played.stdout.splitlines() if line and not line.startswith("#")]
    assert len(frames) == len(media.segments) * SEGMENT_SECONDS * FRAMES_PER_SECOND


def test_the_command_line_shows_the_job(run: HarvestRun, stack: Stack) -> None:
    command = [sys.executable, "-m", "understudy_local", "harvests", "--watch", "--data-dir", str(stack.data_directory)]
    shown = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True, timeout=60)
    (job,) = [one for one in map(json.loads, shown.stdout.splitlines()) if one["id"] == "show"]
    assert (job["status"], job["segments_stored"]) == ("SUCCEEDED", job["segments_total"])
    assert (job["manifest_key"], job["message"]) == (MANIFEST_KEY, "")

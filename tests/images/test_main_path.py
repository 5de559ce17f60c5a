"""The main path on the images: two encoders push, one dies, a viewer watches, a job is harvested, services are ended.

One run, of which the tests look at what was seen.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from botocore.config import Config

from support.browser import MissingProgram, ProbePlayer, ProbeReport
from support.control import Control, CreatedChannel, CreatedEndpoint
from support.deadline import eventually
from support.dockerfile import SERVICES
from support.encoder import START_SECONDS, Encoder, PushTarget, next_boundary
from support.frame_source import instant_of
from support.podman import ContainerStack, Podman
from support.programme import Programme, decode_programme
from support.watcher import Watcher

SEGMENT_SECONDS = 2
KILLED_AFTER_SECONDS = 6
HARVESTED_SECONDS = (2, 10)
"""After the first frame: the death of the encoder is in it."""
GRACE_SECONDS = 2 + 20 + 15
"""The delay and the time to drain that the services are told or have of themselves, and what is to be added to both."""

Statuses = dict[str, dict[str, str]]
each_service = pytest.mark.parametrize("service", SERVICES)


@dataclass
class Run:
    """What happened, and what was seen of it."""

    programme: Programme
    probe: ProbeReport | MissingProgram
    watcher: Watcher
    decisions: dict[str, int]
    inputs: tuple[int | None, int | None]
    """Followed before the active encoder was killed, and after."""
    job: dict[str, Any]
    tried: str
    """What the trial of an installation said, which is in the controller's image."""
    idle: Statuses
    """By service: ``/proc/<pid>/status`` before there was a channel."""
    busy: Statuses
    """By service: the same with one channel on the air."""
    unready_while_uploading: bool
    upload_status: int
    upload_stored: bool
    ended: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By service: the exit status after SIGTERM, and the seconds that it took."""


@pytest.fixture(scope="module")
def run(
    podman: Podman, images: dict[str, str], stack: ContainerStack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """The run, once for all tests of this module."""
    with contextlib.ExitStack() as cleanup:
        try:
            idle = _statuses(stack)
            tried = _try(podman, images["controller"], stack)
            yield _play(stack, tmp_path_factory.mktemp("run"), cleanup, idle=idle, tried=tried)
        except AssertionError as err:
            raise AssertionError(f"{err}\n{stack.describe()}") from err


def _try(podman: Podman, image: str, stack: ContainerStack) -> str:
    urls = {"api": stack.api_url, **{name: stack.service_url(name) for name in ("ingest", "egress")}}
    options = [f"--{name}-url={url}" for name, url in urls.items()]
    return podman.run(image, "-P", "-m", "understudy_controller.smoke_test", *options, network="host")


def _play(stack: ContainerStack, logs: Path, cleanup: contextlib.ExitStack, *, idle: Statuses, tried: str) -> Run:
    control = Control(stack)
    channel = control.create_channel("news")
    endpoint = control.create_endpoint("news-hls", channel, segment_seconds=SEGMENT_SECONDS)
    control.client.update_origin_endpoint(Id=endpoint.id, StartoverWindowSeconds=600)
    watcher = Watcher("news-hls", endpoint.url)
    watcher.start()
    encoders = [Encoder(str(number), channel.inputs[number - 1], log_directory=logs) for number in (1, 2)]
    first_frame = next_boundary(time.time() + START_SECONDS)
    for encoder in encoders:
        cleanup.callback(encoder.close)
        encoder.start(first_frame=first_frame)
    eventually(lambda: bool(watcher.segments()), within_seconds=60, what="a segment is watched")
    probe = _probe(endpoint, logs, cleanup)
    time.sleep(max(0.0, instant_of(first_frame) + KILLED_AFTER_SECONDS - time.time()))
    before = control.active_input(endpoint)
    assert before is not None
    encoders[before - 1].kill()
    job = _harvest(stack, control, endpoint, instant_of(first_frame))
    report = probe if isinstance(probe, MissingProgram) else probe.finish()
    watcher.stop()
    decisions = control.decisions(endpoint)
    after = control.active_input(endpoint)
    busy = _statuses(stack)
    body = watcher.segments()[-1].body
    unready, status, ended = _end_ingest_during_an_upload(stack, channel, body)
    run = Run(
        programme=decode_programme(watcher),
        probe=report,
        watcher=watcher,
        decisions=decisions,
        inputs=(before, after),
        job=job,
        tried=tried,
        idle=idle,
        busy=busy,
        unready_while_uploading=unready,
        upload_status=status,
        upload_stored=_is_stored(stack, body),
        ended={"ingest": ended},
    )
    for service in ("harvester", "egress", "controller"):
        run.ended[service] = _end(stack, service)
    return run


def _probe(endpoint: CreatedEndpoint, logs: Path, cleanup: contextlib.ExitStack) -> ProbePlayer | MissingProgram:
    try:
        probe = ProbePlayer(endpoint.url, directory=logs / "probe")
    except MissingProgram as missing:
        return missing
    cleanup.callback(probe.close)
    return probe


def _harvest(stack: ContainerStack, control: Control, endpoint: CreatedEndpoint, began_at: float) -> dict[str, Any]:
    _s3(stack).create_bucket(Bucket="vod")
    start, end = (datetime.fromtimestamp(began_at + seconds, UTC).isoformat() for seconds in HARVESTED_SECONDS)
    control.client.create_harvest_job(
        Id="show",
        OriginEndpointId=endpoint.id,
        StartTime=start,
        EndTime=end,
        S3Destination={"BucketName": "vod", "ManifestKey": "show/index.m3u8", "RoleArn": "any"},
    )

    def done() -> dict[str, Any] | None:
        found: dict[str, Any] = control.client.describe_harvest_job(Id="show")
        return found if found["Status"] != "IN_PROGRESS" else None

    job = eventually(done, within_seconds=120, what="the job is done", poll_seconds=0.25)
    assert job is not None
    return job


def _statuses(stack: ContainerStack) -> Statuses:
    return {service: _status(process.pid()) for service, process in stack.services.items()}


def _status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _end_ingest_during_an_upload(
    stack: ContainerStack, channel: CreatedChannel, body: bytes
) -> tuple[bool, int, tuple[int, float]]:
    """SIGTERM with half of a body sent: was it unready then, how the upload was answered, how the process ended."""
    ingest = stack.services["ingest"]
    with ThreadPoolExecutor(1) as pool, _upload(channel.inputs[0], len(body)) as connection:
        connection.sendall(body[: len(body) // 2])
        eventually(
            lambda: ingest.metric("understudy_ingest_held_bytes") > 0, within_seconds=10, what="half of it has come"
        )
        ending = pool.submit(_end, stack, "ingest")
        eventually(lambda: not _is_ready(ingest.url), within_seconds=5, what="ingest is unready", poll_seconds=0.02)
        unready = not ending.done()
        connection.sendall(body[len(body) // 2 :])
        answer = connection.recv(4096)
        return unready, int(answer.split()[1]), ending.result()


@contextlib.contextmanager
def _upload(target: PushTarget, length: int) -> Iterator[socket.socket]:
    """A connection with the head of an upload sent."""
    url = urlsplit(target.url)
    pair = base64.b64encode(f"{target.username}:{target.password}".encode()).decode()
    path = f"{url.path}_99999999.ts"
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=GRACE_SECONDS) as connection:
        head = [
            f"PUT {path} HTTP/1.1",
            f"Host: {url.netloc}",
            f"Authorization: Basic {pair}",
            f"Content-Length: {length}",
        ]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        yield connection


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _end(stack: ContainerStack, service: str) -> tuple[int, float]:
    process = stack.services[service]
    began = time.monotonic()
    process.terminate()
    return process.wait(within_seconds=3 * GRACE_SECONDS), time.monotonic() - began


def _is_stored(stack: ContainerStack, body: bytes) -> bool:
    client = _s3(stack)
    digest = hashlib.sha256(body).hexdigest()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="media")
    keys = [one["Key"] for page in pages for one in page.get("Contents", ()) if one["Size"] == len(body)]
    stored = (client.get_object(Bucket="media", Key=key)["Body"].read() for key in keys)
    return any(hashlib.sha256(one).hexdigest() == digest for one in stored)


def _s3(stack: ContainerStack) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=stack.s3_url,
        region_name=stack.credentials.region,
        aws_access_key_id=stack.credentials.access_key_id,
        aws_secret_access_key=stack.credentials.secret_access_key,
        config=Config(s3={"addressing_style": "path"}),
    )


def test_the_trial_of_an_installation_succeeds(run: Run) -> None:
    assert "played what was pushed, byte for byte" in run.tried


def test_nobody_notices_that_an_encoder_dies(run: Run) -> None:
    assert run.watcher.problems == []
    assert run.programme.problems() == []
    assert set(run.inputs) == {1, 2}
    assert run.decisions["failover"] + run.decisions.get("combine", 0) >= 1


def test_ffprobe_plays_through_it(run: Run) -> None:
    if isinstance(run.probe, MissingProgram):
        run.probe.skip()
    assert run.probe.problems == []
    assert run.probe.pictures > 0


def test_a_job_is_harvested(run: Run) -> None:
    assert run.job["Status"] == "SUCCEEDED"


@each_service
def test_it_has_no_privilege_while_it_runs(run: Run, service: str) -> None:
    status = run.busy[service]
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"10001"}
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


def test_an_upload_under_way_is_completed_after_sigterm(run: Run) -> None:
    assert run.unready_while_uploading, "readiness goes first"
    assert run.upload_status in (200, 201)
    assert run.upload_stored


@each_service
def test_it_stays_small(run: Run, stack: ContainerStack, service: str) -> None:
    idle, busy = (int(statuses[service]["VmRSS"].split()[0]) // 1024 for statuses in (run.idle, run.busy))
    print(f"{service} ready after {stack.started[service]:.1f} s; {idle} MiB idle, {busy} MiB with a channel")
    assert busy < 256


@each_service
def test_it_ends_with_0_within_the_grace(run: Run, service: str) -> None:
    status, seconds = run.ended[service]
    print(f"{service} ended {seconds:.1f} s after SIGTERM")
    assert status == 0
    assert seconds < GRACE_SECONDS

"""The services as processes of their own, two controllers among them, on NATS and S3 that somebody else runs."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

from support.control import CreatedChannel
from support.control_process import Controller
from support.deadline import eventually
from support.egress_process import EgressProcess
from support.encoder import Encoding, PushTarget, encode_files, next_boundary
from support.frame_source import FRAMES_PER_SECOND
from support.pusher import Pusher
from support.service_process import ServiceProcess
from support.watcher import Watcher
from understudy_runtime.settings import CommonSettings

READY_SECONDS = 60.0


class IngestService(ServiceProcess):
    """`python -m understudy_ingest`."""

    service = "ingest"


class Installation:
    """One ingest, two controllers, one egress; a channel that two encoders push to, and somebody who watches."""

    def __init__(self, directory: Path, settings: CommonSettings, **extra: str) -> None:
        self._directory = directory
        self.ingest = IngestService(directory, settings, **extra)
        self.egress = EgressProcess(directory, settings, **extra)
        secret = settings.s3_secret_access_key
        storage = {
            "s3_endpoint_url": settings.s3_endpoint_url or "",
            "s3_access_key_id": settings.s3_access_key_id or "",
            "s3_secret_access_key": "" if secret is None else secret.get_secret_value(),
        }
        self.controllers = [
            Controller(
                directory,
                nats_url=settings.nats_url,
                name=f"controller-{number}",
                ingest_public_url=self.ingest.url,
                egress_public_url=self.egress.url,
                **storage,
                **extra,
            )
            for number in (1, 2)
        ]
        self.pushers: list[Pusher] = []
        self._stack = contextlib.ExitStack()

    def start(self) -> None:
        """Start all, and wait until each is ready."""
        for service in (self.ingest, self.egress):
            self._stack.callback(service.close)
        for controller in self.controllers:
            self._stack.callback(controller.close)
        self.start_services()

    def start_services(self, **extra: str) -> None:
        """Start all that do not run, the controllers with further settings, and wait until each is ready."""
        for service in (self.ingest, self.egress):
            service.start()
        for controller in self.controllers:
            controller.start(**extra)
        for service in (self.ingest, self.egress):
            service.wait_until_ready()
        for controller in self.controllers:
            eventually(controller.is_ready, within_seconds=READY_SECONDS, what="the controller is ready")

    def stop_services(self) -> None:
        """End all in an orderly way; connections to them wait."""
        for service in (self.ingest, self.egress):
            service.stop()
        for controller in self.controllers:
            controller.stop()

    def stop(self) -> None:
        """Stop all, encoders too."""
        self._stack.close()

    def create(self, *, segment_seconds: int = 2) -> tuple[CreatedChannel, str]:
        """A channel and the URL of its origin endpoint."""
        client: Any = self.controllers[0].client()
        answer = client.create_channel(Id="show")
        first, second = (
            PushTarget(one["Url"], one["Username"], one["Password"]) for one in answer["HlsIngest"]["IngestEndpoints"]
        )
        packager = {
            "SegmentDurationSeconds": segment_seconds,
            "PlaylistWindowSeconds": 60,
            "ProgramDateTimeIntervalSeconds": 1,
        }
        endpoint = client.create_origin_endpoint(Id="show-hls", ChannelId="show", HlsPackage=packager)
        return CreatedChannel("show", answer["Arn"].rpartition("/")[2], (first, second)), endpoint["Url"]

    def push(self, channel: CreatedChannel, *, seconds: int) -> None:
        """Have two encoders push 1 s segments, for so long at most."""
        first_frame = next_boundary(time.time())
        encoding = Encoding(segment_seconds=1)
        encoded = self._directory / "encoded"
        encoded.mkdir()
        segments = encode_files(encoded, first_frame=first_frame, frames=seconds * FRAMES_PER_SECOND, encoding=encoding)
        for number, target in enumerate(channel.inputs, start=1):
            pusher = Pusher(
                str(number), target, segments, segment_seconds=1, first_frame=first_frame, keeps_connection=number == 1
            )
            pusher.start()
            self._stack.callback(pusher.stop)
            self.pushers.append(pusher)

    def watch(self, url: str) -> Watcher:
        """Have somebody watch."""
        watcher = Watcher("show", url)
        watcher.start()
        return watcher


def wait_for_segments(watcher: Watcher, more: int, *, within_seconds: float = 30.0) -> None:
    """Until so many more are offered."""
    wanted = len(watcher.segments()) + more
    try:
        eventually(lambda: len(watcher.segments()) >= wanted, within_seconds=within_seconds, what=f"{wanted} segments")
    except AssertionError as err:
        raise AssertionError(f"{err}\n{watcher.describe()}") from err

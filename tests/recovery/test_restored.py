"""What docs/operations/backup.md says, done: NATS and S3 are moved, then NATS is lost and all is built from an export.

Two encoders push all the time, and somebody watches. Slow, so it has a target of its own: `make test-recovery`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from support.installation import Installation, wait_for_segments
from support.nats_server import NatsServer
from support.object_store import S3Server
from support.programme import decode_programme
from support.watcher import Watcher
from understudy_runtime.settings import CommonSettings

PROGRAMME_SECONDS = 240
MOVED_SECONDS = 30.0
"""The longest wait for a segment while servers are copied; it was 6.7 and 10.3 s."""
AGAIN_SECONDS = 90.0


@dataclass
class Run:
    """What happened."""

    installation: Installation
    moved: Watcher
    """Who watched while the servers were moved."""
    anew: Watcher
    """Who watched the same URL once all was built from the export."""
    told_while_moved: list[str]
    """What encoders were told, other than that it is taken."""
    acknowledged_before: int
    """Segments of one encoder, before NATS was lost."""


class Servers:
    """NATS and S3 under addresses that stay, whatever directory they run on."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.nats = NatsServer(directory / "nats")
        self.s3 = S3Server(directory / "s3")

    def start(self) -> None:
        self.nats.start()
        self.s3.start()

    def move(self) -> None:
        """Stop both, copy what they have, and start others on the copies."""
        self.nats.stop()
        self.s3.kill()
        for server in (self.nats, self.s3):
            moved = self._directory / f"{server.directory.name}-moved"
            shutil.copytree(server.directory, moved)
            server.directory = moved
        self.start()

    def lose_nats(self) -> None:
        """Its files are gone."""
        self.nats.kill()
        self.nats.directory = self._directory / "nats-anew"
        self.nats.start()

    def stop(self) -> None:
        self.nats.kill()
        self.s3.kill()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    directory = tmp_path_factory.mktemp("recovery")
    servers = Servers(directory)
    try:
        servers.start()
        settings = CommonSettings.model_validate(
            {
                "nats_url": servers.nats.url,
                "s3_endpoint_url": servers.s3.url,
                "s3_access_key_id": servers.s3.access_key_id,
                "s3_secret_access_key": servers.s3.secret_access_key,
            }
        )
        export = directory / "backup.yaml"
        installation = Installation(directory, settings, shards="4")
        try:
            yield _happen(installation, servers, export)
        finally:
            installation.stop()
    finally:
        servers.stop()


def _happen(installation: Installation, servers: Servers, export: Path) -> Run:
    installation.start()
    channel, url = installation.create()
    installation.push(channel, seconds=PROGRAMME_SECONDS)
    moved = installation.watch(url)
    wait_for_segments(moved, 3)
    servers.move()
    wait_for_segments(moved, 4, within_seconds=AGAIN_SECONDS)
    told = [answer for pusher in installation.pushers for answer in pusher.answers]
    _export(installation, servers, export)
    moved.stop()
    installation.stop_services()
    servers.lose_nats()
    acknowledged = max(len(pusher.acknowledged) for pusher in installation.pushers)
    installation.start_services(declared_file=str(export))
    anew = installation.watch(url)
    wait_for_segments(anew, 3, within_seconds=AGAIN_SECONDS)
    for pusher in installation.pushers:
        pusher.stop()
    anew.stop()
    return Run(installation, moved, anew, told, acknowledged)


def _export(installation: Installation, servers: Servers, export: Path) -> None:
    environment = {
        **os.environ,
        "UNDERSTUDY_NATS_URL": servers.nats.url,
        "UNDERSTUDY_SHARDS": "4",
        "UNDERSTUDY_AUTHENTICATION": "none",
        "UNDERSTUDY_INGEST_PUBLIC_URL": installation.ingest.url,
        "UNDERSTUDY_EGRESS_PUBLIC_URL": installation.egress.url,
    }
    command = [sys.executable, "-m", "understudy_controller.declare", str(export), "--export"]
    subprocess.run(command, env=environment, check=True, capture_output=True)


def test_while_the_servers_are_moved_every_upload_is_taken_and_no_playlist_runs_back(run: Run) -> None:
    assert run.told_while_moved == []
    assert run.moved.problems == [], run.moved.describe()
    assert decode_programme(run.moved).problems() == []
    waits = [b.offered_at - a.offered_at for a, b in pairwise(run.moved.segments())]
    print(f"longest wait {max(waits):.1f} s")
    assert max(waits) <= MOVED_SECONDS


def test_built_from_the_export_the_programme_goes_on_under_the_same_urls_with_higher_numbers(run: Run) -> None:
    last = run.moved.segments()[-1].listed.media_sequence
    assert run.anew.segments()[0].listed.media_sequence > last
    assert run.anew.problems == [], run.anew.describe()


def test_no_encoder_had_to_be_told_anything_new(run: Run) -> None:
    for pusher in run.installation.pushers:
        assert pusher.refused == []
        # Until the controllers have applied the export there is no such channel; the password is the one of before.
        assert {answer.split(": ")[1][:3] for answer in pusher.answers} <= {"404", "503"}
        assert len(pusher.acknowledged) > run.acknowledged_before

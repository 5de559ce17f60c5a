"""Egress between a real nats-server and a real S3 server, and somebody who publishes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.egress_process import EgressProcess
from support.program_entries import make_endpoint
from support.program_publisher import ProgramPublisher, Shown
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import connect
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings


@pytest.fixture(scope="session")
def egress(shared_settings: CommonSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EgressProcess]:
    """A ready egress process, shared: each test has an origin endpoint of its own."""
    with EgressProcess(tmp_path_factory.mktemp("egress"), shared_settings) as process:
        yield process


@pytest.fixture
def shown() -> Shown:
    """An origin endpoint of the test's own, not yet configured."""
    guid = secrets.token_hex(16)
    return Shown(make_endpoint(segment_seconds=2, date_interval_seconds=4, guid=guid, name=f"endpoint-{guid[:8]}"))


async def _publisher(settings: CommonSettings) -> AsyncIterator[ProgramPublisher]:
    bus = await connect(settings, name="publisher")
    await bus.ensure_streams()
    config = ConfigStore(bus)
    await config.start()
    yield ProgramPublisher(bus, config, ObjectStore(settings), shards=settings.shards)
    await config.stop()
    await bus.close()


@pytest.fixture
async def publisher(shared_settings: CommonSettings) -> AsyncIterator[ProgramPublisher]:
    """Writes configuration, entries and objects for the shared egress."""
    async for publisher in _publisher(shared_settings):
        yield publisher


@pytest.fixture
async def own_publisher(settings: CommonSettings) -> AsyncIterator[ProgramPublisher]:
    """The same, on this test's own nats-server."""
    async for publisher in _publisher(settings):
        yield publisher


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Where processes that a test starts write."""
    return tmp_path

"""An egress process between a real nats-server and a real S3 server, and somebody who publishes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.egress_process import EgressProcess
from support.program_publisher import ProgramPublisher
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import connect
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings


@pytest.fixture
async def publisher(settings: CommonSettings) -> AsyncIterator[ProgramPublisher]:
    """Writes configuration, entries and objects."""
    bus = await connect(settings, name="publisher")
    await bus.ensure_streams()
    config = ConfigStore(bus)
    await config.start()
    yield ProgramPublisher(bus, config, ObjectStore(settings), shards=settings.shards)
    await config.stop()
    await bus.close()


@pytest.fixture
def egress(settings: CommonSettings, tmp_path: Path) -> Iterator[EgressProcess]:
    """A ready egress process."""
    with EgressProcess(tmp_path, settings) as process:
        yield process

"""Somebody who publishes, makes jobs and looks at buckets, between a real nats-server and a real S3 server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.harvesting import Farm
from understudy_runtime.settings import CommonSettings


@pytest.fixture
async def farm(settings: CommonSettings) -> AsyncIterator[Farm]:
    """On this test's own nats-server."""
    farm = await Farm.open(settings)
    yield farm
    await farm.close()

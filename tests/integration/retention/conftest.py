"""Somebody who delivers and looks, between a real nats-server and a real S3 server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.retention import Studio
from understudy_runtime.settings import CommonSettings


@pytest.fixture
async def studio(settings: CommonSettings) -> AsyncIterator[Studio]:
    """Delivers to channels on this test's own nats-server."""
    studio = await Studio.open(settings)
    yield studio
    await studio.close()

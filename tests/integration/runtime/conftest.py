"""A connected bus with all its streams."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from understudy_runtime.jetstream import Bus, connect
from understudy_runtime.settings import CommonSettings


@pytest.fixture
async def bus(nats_settings: CommonSettings) -> AsyncIterator[Bus]:
    """On this test's own nats-server."""
    bus = await connect(nats_settings, name="test")
    await bus.ensure_streams()
    yield bus
    await bus.close()

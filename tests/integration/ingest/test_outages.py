"""Storage and bus that are away for longer than an upload is held."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from support.encoded_media import AAC, H264, encode
from support.nats_server import NatsServer
from understudy_domain.channel import Channel

from .conftest import Arrivals, IngestProcess


@pytest.fixture
def segment(tmp_path: Path) -> bytes:
    return encode(tmp_path, f"{H264} {AAC}", seconds=2)[0].read_bytes()


async def test_what_cannot_be_reported_is_held_for_a_bounded_time_and_then_refused(
    start_ingest: Callable[..., IngestProcess],
    channel: Channel,
    arrivals: Arrivals,
    nats_server: NatsServer,
    segment: bytes,
) -> None:
    ingest = start_ingest(
        UNDERSTUDY_HOLD_SECONDS="5",
        UNDERSTUDY_HELD_SIZE_MAX=str(len(segment) + 1_000),
        UNDERSTUDY_NATS_TIMEOUT_SECONDS="1",
    )
    endpoint = channel.ingest_endpoints[0]
    url = f"{ingest.url}/in/v2/{channel.guid}/{endpoint.id}/"
    async with httpx.AsyncClient(auth=httpx.BasicAuth(endpoint.username, endpoint.password), timeout=60) as client:
        assert (await client.put(f"{url}0.ts", content=segment)).status_code == 201
        nats_server.pause()
        try:
            held = asyncio.ensure_future(client.put(f"{url}1.ts", content=segment))
            await _eventually(lambda: ingest.metric("understudy_ingest_held_bytes") > 0)
            beyond = await client.put(f"{url}2.ts", content=segment)
            answer = await held
        finally:
            nats_server.resume()
        assert (beyond.status_code, beyond.headers["retry-after"]) == (503, "1")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["x-understudy-error"] == "held_too_long"
        assert ingest.metric("understudy_ingest_rejected_total", reason="held_too_long") == 1
        assert ingest.metric("understudy_ingest_held_bytes") == 0
        assert (await client.put(f"{url}1.ts", content=segment)).status_code == 201


async def _eventually(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(look):  # noqa: ASYNC110  # a poll with a deadline
            await asyncio.sleep(0.05)

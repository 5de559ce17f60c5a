"""Ingest is told to end: no upload is cut that can still end, and who keeps a connection moves over without a loss."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from support.ingest_connection import chunk, connect, head, put
from support.nats_server import NatsServer
from understudy_domain.channel import Channel

from .conftest import Arrivals, IngestProcess, StartIngest

pytestmark = pytest.mark.takes(seconds=25)

DELAY_SECONDS = 0.6


@pytest.fixture
def ingest(start_ingest: StartIngest) -> IngestProcess:
    return start_ingest(
        UNDERSTUDY_DRAIN_DELAY_SECONDS=str(DELAY_SECONDS),
        UNDERSTUDY_DRAIN_SECONDS="15",
        UNDERSTUDY_HOLD_SECONDS="2",
        UNDERSTUDY_LOG_FORMAT="json",
    )


@asynccontextmanager
async def ending(ingest: IngestProcess, *, within_seconds: float) -> AsyncIterator[None]:
    """SIGTERM, and the end of the process at the end, in time and with 0."""
    assert ingest.process is not None
    ingest.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    async with asyncio.timeout(10):
        while "shutting down" not in ingest.log():  # noqa: ASYNC110  # nobody says when
            await asyncio.sleep(0.01)
    yield
    assert await asyncio.to_thread(ingest.process.wait, 30) == 0
    assert time.monotonic() - began < within_seconds, "it waited for somebody who was done"


def told(ingest: IngestProcess, message: str) -> list[dict[str, object]]:
    """Lines of the log that begin so."""
    lines = [json.loads(line) for line in ingest.log().splitlines() if line.startswith("{")]
    return [line for line in lines if str(line["message"]).startswith(message)]


async def test_an_upload_that_is_sent_while_it_is_made_ends_with_its_true_answer(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, segment: bytes
) -> None:
    async with connect(ingest.port) as connection:
        pieces = [
            segment[start : start + len(segment) // 8 + 1] for start in range(0, len(segment), len(segment) // 8 + 1)
        ]
        await connection.send(head(channel, "Transfer-Encoding: chunked") + chunk(pieces[0]))
        async with ending(ingest, within_seconds=10):
            for piece in pieces[1:]:  # goes on for longer than the delay
                await asyncio.sleep(0.25)
                await connection.send(chunk(piece))
            await connection.send(b"0\r\n\r\n")
            answer = await connection.answer()
            assert answer.startswith("HTTP/1.1 201 ")
            assert "connection: close" in answer
            assert await connection.reader.read() == b""
            connection.writer.close()
    assert [fact.size for fact in await arrivals.segments()] == [len(segment)]


async def test_a_kept_connection_is_told_to_move_with_the_answer_to_its_next_request(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, segment: bytes
) -> None:
    async with connect(ingest.port) as connection:
        await connection.send(put(channel, segment, name="1.ts"))
        assert "connection: close" not in await connection.answer()
        async with ending(ingest, within_seconds=10):
            await asyncio.sleep(DELAY_SECONDS / 2)
            await connection.send(put(channel, segment, name="2.ts"))
            assert "connection: close" in await connection.answer()
            async with connect(ingest.port) as another:  # it is taken as before, until the delay is over
                await another.send(put(channel, segment, name="3.ts"))
                assert "connection: close" in await another.answer()
            connection.writer.close()
    assert [fact.path for fact in await arrivals.segments()] == ["1.ts", "2.ts", "3.ts"]


async def test_what_an_encoder_sends_that_reads_no_answers_is_taken_until_it_notices(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, segment: bytes
) -> None:
    async with connect(ingest.port) as connection, connect(ingest.port) as idle:
        await idle.send(put(channel, segment, name="0.ts"))
        await idle.answer()
        async with ending(ingest, within_seconds=10):
            await connection.send(b"".join(put(channel, segment, name=f"{number}.ts") for number in (1, 2)))
            assert "connection: close" in await connection.answer()
            assert await connection.reader.read() == b"", "nothing more is answered"
            await connection.send(put(channel, segment, name="3.ts"))
            await arrivals.wait_for_segments(4)
            assert await idle.reader.read() == b"", "the delay is over"
            await idle.send(put(channel, segment, name="4.ts"))
            await arrivals.wait_for_segments(5)
            for one in (connection, idle):
                one.writer.close()
    assert sorted(fact.path for fact in await arrivals.segments()) == [f"{number}.ts" for number in range(5)]
    assert told(ingest, "cut off") == []


async def test_an_upload_that_is_held_ends_with_its_true_answer(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, nats_server: NatsServer, segment: bytes
) -> None:
    async with connect(ingest.port) as stored, connect(ingest.port) as given_up:
        nats_server.pause()
        try:
            await given_up.send(put(channel, segment, name="1.ts"))
            await asyncio.sleep(1.0)
            await stored.send(put(channel, segment, name="2.ts"))
            async with ending(ingest, within_seconds=10):
                answer = await given_up.answer()
                assert answer.startswith("HTTP/1.1 503 ")
                assert "retry-after: 1" in answer
                nats_server.resume()
                assert (await stored.answer()).startswith("HTTP/1.1 201 ")
                for one in (stored, given_up):
                    one.writer.close()
        finally:
            nats_server.resume()
    assert "2.ts" in {fact.path for fact in await arrivals.segments()}


async def test_what_does_not_end_in_time_is_cut_off_and_said(
    start_ingest: StartIngest, channel: Channel, arrivals: Arrivals, segment: bytes
) -> None:
    ingest = start_ingest(UNDERSTUDY_DRAIN_SECONDS="0.5", UNDERSTUDY_LOG_FORMAT="json")
    async with connect(ingest.port) as connection, connect(ingest.port) as idle:
        await connection.send(head(channel, f"Content-Length: {len(segment)}") + segment[:1000])
        await idle.send(put(channel, segment, name="2.ts"))
        await idle.answer()
        async with ending(ingest, within_seconds=10):
            answer = await connection.head()
            assert answer.startswith("HTTP/1.1 503 ")
            assert "retry-after: 1" in answer
    assert [fact.path for fact in await arrivals.segments()] == ["2.ts"]
    [line] = told(ingest, "cut off 1 requests")
    assert line["requests"] == [f"PUT /in/v2/{channel.guid}/{channel.ingest_endpoints[0].id}/1.ts"]
    assert "Traceback" not in ingest.log()


async def test_to_be_told_twice_changes_nothing(ingest: IngestProcess, channel: Channel, segment: bytes) -> None:
    assert ingest.process is not None
    async with connect(ingest.port) as connection:
        await connection.send(head(channel, f"Content-Length: {len(segment)}") + segment[:1000])
        async with ending(ingest, within_seconds=10):
            await asyncio.sleep(0.1)
            ingest.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(DELAY_SECONDS + 0.3)
            await connection.send(segment[1000:])
            assert (await connection.answer()).startswith("HTTP/1.1 201 ")
            connection.writer.close()

"""Single connections, byte by byte: what comes before what, and bodies that do not end well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from support.ingest_connection import chunk, connect, head
from understudy_domain.channel import Channel
from understudy_runtime.settings import CommonSettings

from .conftest import Arrivals, IngestProcess


@pytest.fixture
def settings(shared_settings: CommonSettings) -> CommonSettings:
    return shared_settings


@pytest.fixture
def ingest(shared_ingest: IngestProcess) -> IngestProcess:
    return shared_ingest


async def test_the_challenge_comes_before_the_body_is_asked_for(ingest: IngestProcess, channel: Channel) -> None:
    async with connect(ingest.port) as connection:
        connection.writer.write(head(channel, "Transfer-Encoding: chunked", "Expect: 100-continue", authorized=False))
        answer = await connection.head()
        rest = await connection.reader.read()

    assert answer.startswith("HTTP/1.1 401 ")
    assert 'www-authenticate: Digest realm="understudy", nonce="' in answer
    assert 'algorithm=MD5, qop="auth"' in answer
    assert "connection: close" in answer
    assert rest.endswith(b"authentication\n"), "and then the connection has ended"


async def test_the_body_is_asked_for_once_the_credentials_are_right(
    ingest: IngestProcess, channel: Channel, segment: bytes
) -> None:
    async with connect(ingest.port) as connection:
        connection.writer.write(head(channel, f"Content-Length: {len(segment)}", "Expect: 100-continue"))
        assert (await connection.head()).startswith("HTTP/1.1 100 ")
        connection.writer.write(segment)
        assert (await connection.head()).startswith("HTTP/1.1 201 ")


async def test_a_client_that_sends_before_it_reads_finds_the_challenge_and_can_go_on(
    ingest: IngestProcess, channel: Channel, segment: bytes
) -> None:
    body = segment * 20
    async with connect(ingest.port) as connection:
        connection.writer.write(head(channel, f"Content-Length: {len(body)}", authorized=False))
        connection.writer.write(body)
        await connection.writer.drain()
        assert (await connection.head()).startswith("HTTP/1.1 401 ")
        await connection.reader.readuntil(b"\n")
        connection.writer.write(head(channel, f"Content-Length: {len(segment)}") + segment)
        assert (await connection.head()).startswith("HTTP/1.1 201 ")


async def test_a_client_that_closes_right_after_the_last_byte_loses_nothing(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, segment: bytes
) -> None:
    for number in range(20):
        async with connect(ingest.port) as connection:
            connection.writer.write(head(channel, "Transfer-Encoding: chunked", name=f"{number}.ts"))
            connection.writer.write(chunk(segment) + b"0\r\n\r\n")
            await connection.writer.drain()
    assert len(await arrivals.wait_for_segments(20)) == 20


async def test_requests_sent_before_the_answer_to_the_first_are_all_taken(
    ingest: IngestProcess, channel: Channel, arrivals: Arrivals, segment: bytes
) -> None:
    async with connect(ingest.port) as connection:
        for number in range(3):
            connection.writer.write(head(channel, f"Content-Length: {len(segment)}", name=f"{number}.ts") + segment)
        await connection.writer.drain()
        for _ in range(3):
            assert (await connection.head()).startswith("HTTP/1.1 201 ")
    assert [fact.path for fact in await arrivals.segments()] == ["0.ts", "1.ts", "2.ts"]


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_that_ends_early_leaves_nothing_behind(
    chunked: bool, ingest: IngestProcess, channel: Channel, arrivals: Arrivals, segment: bytes
) -> None:
    before = ingest.metric("understudy_ingest_rejected_total", reason="body_incomplete")
    whole_packets = segment[: len(segment) // 2 // 188 * 188]
    async with connect(ingest.port) as connection:
        if chunked:
            connection.writer.write(head(channel, "Transfer-Encoding: chunked") + chunk(whole_packets))
        else:
            connection.writer.write(head(channel, f"Content-Length: {len(segment)}") + whole_packets)
        await connection.writer.drain()
    await _eventually(lambda: ingest.metric("understudy_ingest_rejected_total", reason="body_incomplete") == before + 1)
    assert not await arrivals.all()
    assert ingest.metric("understudy_ingest_held_bytes") == 0


async def test_a_body_that_stalls_is_given_up(
    start_ingest: Callable[..., IngestProcess], channel: Channel, arrivals: Arrivals, segment: bytes
) -> None:
    ingest = start_ingest(UNDERSTUDY_STALL_SECONDS="0.5")
    async with connect(ingest.port) as connection:
        connection.writer.write(head(channel, f"Content-Length: {len(segment)}") + segment[:188])
        assert (await connection.head()).startswith("HTTP/1.1 408 ")
    assert not await arrivals.all()


async def test_a_body_that_is_announced_too_large_is_not_asked_for(ingest: IngestProcess, channel: Channel) -> None:
    async with connect(ingest.port) as connection:
        connection.writer.write(head(channel, "Content-Length: 99999999999", "Expect: 100-continue"))
        assert (await connection.head()).startswith("HTTP/1.1 413 ")
        assert b"the most that is taken" in await connection.reader.read()


async def test_a_body_that_grows_too_large_is_refused_while_it_comes(
    start_ingest: Callable[..., IngestProcess], channel: Channel, arrivals: Arrivals, segment: bytes
) -> None:
    ingest = start_ingest(UNDERSTUDY_BODY_SIZE_MAX="100000")
    async with connect(ingest.port) as connection:
        connection.writer.write(head(channel, "Transfer-Encoding: chunked"))
        for _ in range(30):
            connection.writer.write(chunk(bytes(10_000)))
        assert (await connection.head()).startswith("HTTP/1.1 413 ")
        await connection.reader.readuntil(b"\n")
        connection.writer.write(b"0\r\n\r\n" + head(channel, "Content-Length: 0", method="DELETE"))
        assert (await connection.head()).startswith("HTTP/1.1 200 ")
    assert not await arrivals.all()


async def _eventually(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(look):  # noqa: ASYNC110  # a poll with a deadline
            await asyncio.sleep(0.05)

"""How ingest ends a connection when the process ends. On connections made up for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.http_connection import Transport, connected
from understudy_ingest.body import Body, Budget
from understudy_ingest.protocol import UPLOAD, UploadProtocol

UPLOADED = b"PUT /1.ts HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody"
LONGER_THAN_ANY_SEGMENT_SECONDS = 15


class Encoder:
    """A connection to an application that reads bodies and answers 201."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.protocol, self.transport = connected(UploadProtocol, self._app)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if UPLOAD in scope:
            body = Body(size_max=1 << 20, budget=Budget(1 << 20))
            scope[UPLOAD].begin(body)
            self.bodies.append(await body.read(stall_seconds=60))
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def send(self, data: bytes) -> None:
        """Let it send, and everything run that can."""
        self.protocol.data_received(data)
        for _ in range(10):
            await asyncio.sleep(0)

    def be_told_to_end(self) -> None:
        """As the server does it, without a delay."""
        self.protocol.server_state.is_draining = True
        self.protocol.drain()
        self.protocol.shutdown()


def answers(transport: Transport) -> list[bytes]:
    return transport.written.split(b"HTTP/1.1 ")[1:]


async def test_the_last_answer_says_so_and_what_follows_is_taken_in_silence() -> None:
    encoder = Encoder()
    encoder.protocol.server_state.is_draining = True
    encoder.protocol.drain()
    await encoder.send(UPLOADED + UPLOADED)
    await encoder.send(UPLOADED)
    [answer] = answers(encoder.transport)
    assert answer.startswith(b"201 ")
    assert b"connection: close" in answer
    assert encoder.transport.ended
    assert not encoder.transport.closed
    assert encoder.bodies == [b"body"] * 3
    encoder.protocol.connection_lost(None)


async def test_an_upload_under_way_is_taken_to_its_end() -> None:
    encoder = Encoder()
    await encoder.send(UPLOADED[:-1])
    encoder.be_told_to_end()
    assert not encoder.transport.ended
    await encoder.send(UPLOADED[-1:])
    assert encoder.bodies == [b"body"]
    assert b"connection: close" in encoder.transport.written
    assert encoder.transport.ended
    encoder.protocol.connection_lost(None)


@pytest.mark.looptime
async def test_an_encoder_that_is_between_two_segments_is_waited_for_and_one_that_is_gone_is_not() -> None:
    encoder = Encoder()
    await encoder.send(UPLOADED)
    encoder.be_told_to_end()
    await asyncio.sleep(10)
    assert not encoder.transport.closed
    await encoder.send(UPLOADED)
    assert encoder.bodies == [b"body"] * 2
    await asyncio.sleep(LONGER_THAN_ANY_SEGMENT_SECONDS)
    assert encoder.transport.closed
    encoder.protocol.connection_lost(None)


@pytest.mark.looptime
async def test_a_connection_on_which_nothing_has_come_for_long_is_closed_at_once() -> None:
    encoder = Encoder()
    await encoder.send(UPLOADED)
    await asyncio.sleep(LONGER_THAN_ANY_SEGMENT_SECONDS)
    encoder.be_told_to_end()
    assert encoder.transport.closed
    encoder.protocol.connection_lost(None)


async def test_a_connection_that_is_no_encoders_is_closed_at_once() -> None:
    encoder = Encoder()
    await encoder.send(b"GET /metrics HTTP/1.1\r\n\r\n")
    encoder.be_told_to_end()
    assert encoder.transport.closed
    encoder.protocol.connection_lost(None)


@pytest.mark.parametrize("nonsense", [b"\x00\r\n\r\n", b"GET / HTTP/1.1\r\nx: " + b"v" * 70_000])
async def test_nonsense_after_the_last_answer_closes_the_connection_without_a_word(nonsense: bytes) -> None:
    encoder = Encoder()
    await encoder.send(UPLOADED)
    encoder.be_told_to_end()
    written = encoder.transport.written
    await encoder.send(nonsense)
    assert encoder.transport.closed
    assert encoder.transport.written == written
    encoder.protocol.connection_lost(None)

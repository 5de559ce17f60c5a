"""What a connection may cost: heads, trailers, time, and answers that nobody reads. On connections made up for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from support.http_connection import KEEP_ALIVE_SECONDS, connected
from understudy_runtime.http_protocol import HEAD_SIZE_MAX, HttpProtocol


class Connection:
    """A protocol whose application reads the body, and answers when it may."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.bodies: list[bytes] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.protocol, self.transport = connected(HttpProtocol, self._app)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.headers = list(scope["headers"])
        self.bodies.append(body)
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def send(self, *chunks: bytes) -> None:
        """Let the client send, and everything run that can."""
        for chunk in chunks:
            if not self.transport.closed:
                self.protocol.data_received(chunk)
        for _ in range(10):
            await asyncio.sleep(0)


@pytest.fixture
async def connection() -> Connection:
    return Connection()


@pytest.fixture(autouse=True)
def _no_leftover(connection: Connection) -> Iterator[None]:
    yield
    connection.protocol.connection_lost(None)


@pytest.mark.parametrize(
    "part", [b"x: " + b"v" * 4000 + b"\r\n", b"v" * 4000], ids=["many headers", "one header without an end"]
)
async def test_a_head_that_does_not_end_is_refused(connection: Connection, part: bytes) -> None:
    await connection.send(b"GET / HTTP/1.1\r\nHost: x\r\nx: ", *[part] * (HEAD_SIZE_MAX // len(part) + 2))
    assert connection.transport.written.startswith(b"HTTP/1.1 431 ")
    assert connection.transport.closed


async def test_a_target_that_does_not_end_is_refused(connection: Connection) -> None:
    await connection.send(b"GET /", *[b"v" * 4000] * (HEAD_SIZE_MAX // 4000 + 2))
    assert connection.transport.closed


async def test_the_size_of_bodies_and_the_number_of_requests_are_not_bounded_here(connection: Connection) -> None:
    body = b"b" * (2 * HEAD_SIZE_MAX)
    head = b"PUT / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    for _ in range(3):
        await connection.send(head, body[:1000], body[1000:])
    for _ in range(HEAD_SIZE_MAX // 40):
        await connection.send(b"GET / HTTP/1.1\r\nHost: some-host\r\nA: b\r\n\r\n")
    assert connection.bodies[:3] == [body] * 3
    assert not connection.transport.closed


async def test_trailers_do_not_become_headers(connection: Connection) -> None:
    connection.may_answer.clear()
    await connection.send(
        b"PUT / HTTP/1.1\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nAuthorization: no\r\n\r\n"
    )
    assert connection.bodies == [b"x"]
    assert [name for name, _ in connection.headers] == [b"a", b"transfer-encoding"]
    connection.may_answer.set()
    await connection.send()


async def test_trailers_that_do_not_end_are_refused(connection: Connection) -> None:
    connection.may_answer.clear()
    await connection.send(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    await connection.send(*[b"x: " + b"v" * 4000 + b"\r\n"] * (HEAD_SIZE_MAX // 4000 + 2))
    assert connection.transport.closed


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 6", b"abcdef"),
        (b"Transfer-Encoding: chunked", b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("sent_at_once", [True, False])
async def test_a_request_that_asks_for_another_protocol_is_taken_as_it_is(
    connection: Connection, framing: bytes, body: bytes, *, sent_at_once: bool
) -> None:
    asking = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
    head = b"PUT / HTTP/1.1\r\n" + asking + framing + b"\r\n\r\n"
    await connection.send(*([head + body] if sent_at_once else [head, body[:4], body[4:]]))
    assert connection.bodies == [b"abcdef"]
    assert connection.transport.written.startswith(b"HTTP/1.1 200 ")
    assert connection.transport.written.endswith(b"ok")
    assert connection.transport.closed


async def test_a_request_without_a_body_that_asks_for_another_protocol_is_answered(connection: Connection) -> None:
    await connection.send(b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert connection.bodies == [b""]
    assert connection.transport.written.startswith(b"HTTP/1.1 200 ")


@pytest.mark.looptime
@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"],
    ids=["nothing", "half a head", "half a body"],
)
async def test_a_request_that_does_not_come_is_not_waited_for(sent: bytes) -> None:
    connection = Connection()
    if sent:
        await connection.send(sent)
    await asyncio.sleep(KEEP_ALIVE_SECONDS + 1)
    assert connection.transport.closed
    connection.protocol.connection_lost(None)
    await asyncio.sleep(1)


@pytest.mark.looptime
async def test_a_head_that_trickles_is_not_waited_for() -> None:
    connection = Connection()
    await connection.send(b"GET / HTTP/1.1\r\n")
    for _ in range(KEEP_ALIVE_SECONDS // 5 + 1):
        await asyncio.sleep(5)
        await connection.send(b"a: b\r\n")
    assert connection.transport.closed
    connection.protocol.connection_lost(None)


@pytest.mark.looptime
async def test_a_request_that_is_being_answered_is_waited_for() -> None:
    connection = Connection()
    connection.may_answer.clear()
    await connection.send(b"GET / HTTP/1.1\r\n\r\n")
    await asyncio.sleep(3 * KEEP_ALIVE_SECONDS)
    assert not connection.transport.closed
    connection.may_answer.set()
    await asyncio.sleep(KEEP_ALIVE_SECONDS - 1)
    assert not connection.transport.closed
    await asyncio.sleep(2)
    assert connection.transport.closed
    connection.protocol.connection_lost(None)


@pytest.mark.looptime
async def test_a_client_that_reads_nothing_of_its_answer_is_cut_off() -> None:
    connection = Connection()
    connection.transport.unread = 1_000_000
    await connection.send(b"GET / HTTP/1.1\r\n\r\n")
    await asyncio.sleep(2 * KEEP_ALIVE_SECONDS + 1)
    assert connection.transport.aborted
    connection.protocol.connection_lost(None)


@pytest.mark.looptime
async def test_a_client_that_reads_slowly_gets_all_of_its_answer() -> None:
    connection = Connection()
    connection.transport.unread = 1_000_000
    await connection.send(b"GET / HTTP/1.1\r\n\r\n")
    for _ in range(10):
        await asyncio.sleep(KEEP_ALIVE_SECONDS - 1)
        connection.transport.unread -= 100_000
    assert not connection.transport.aborted
    connection.protocol.connection_lost(None)

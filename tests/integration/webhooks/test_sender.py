"""One request to a receiver: what goes over the connection, and what is made of what comes back, or does not."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from support.certificates import Authority
from support.webhook_receiver import documented_verification
from understudy_controller.webhooks.file import Webhook
from understudy_controller.webhooks.sender import send
from understudy_domain.webhooks.cloud_event import Message

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtYXQtbGVhc3Q="
MESSAGE = Message("gap-one", "application/cloudevents+json", '{"words":"ü"}'.encode())

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def webhook(url: str, **more: Any) -> Webhook:
    return Webhook(name="one", url=SecretStr(url), secrets=[SecretStr(SECRET)], **more)


@asynccontextmanager
async def serving(serve: Serve, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server's port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def request_of(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    return head[0], headers, await reader.readexactly(int(headers["content-length"]))


def answering(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(answer)
        await writer.drain()

    return serve


async def test_a_request_is_signed_and_has_the_headers_of_the_file() -> None:
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok")

    async with serving(serve) as port:
        headers = {"Authorization": SecretStr("Bearer 1"), "User-Agent": SecretStr("mine")}
        answer = await send(webhook(f"http://127.0.0.1:{port}/a?b=c", headers=headers), MESSAGE)
    assert answer.is_taken
    ((line, sent, body),) = seen
    assert line == "POST /a?b=c HTTP/1.1"
    assert body == MESSAGE.body
    assert sent["host"] == f"127.0.0.1:{port}"
    assert (sent["content-type"], sent["authorization"], sent["user-agent"]) == (
        MESSAGE.content_type,
        "Bearer 1",
        "mine",
    )
    assert sent["webhook-id"] == MESSAGE.id
    assert documented_verification()(sent, body, SECRET)
    assert not documented_verification()(sent, body + b" ", SECRET)


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (b"HTTP/1.1 500 No\r\n\r\n", 500, "the receiver answered 500"),
        (b"HTTP/1.1 302 There\r\nlocation: http://127.0.0.1:1/\r\n\r\n", 302, "the receiver answered 302"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n" + b"x" * 100_000, 200, "the receiver answered 200"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno chunk", 200, "the receiver answered 200"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", None, "what it answers is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000, None, "what it answers is not HTTP"),
        (b"", None, "no connection with it: it ended the connection without an answer"),
    ],
)
async def test_what_is_made_of_an_answer(answer: bytes, status: int | None, words: str) -> None:
    async with serving(answering(answer)) as port:
        found = await send(webhook(f"http://127.0.0.1:{port}/"), MESSAGE)
    assert (found.status, found.words) == (status, words)


async def test_what_a_receiver_asks_for_is_told() -> None:
    async with serving(answering(b"HTTP/1.1 429 Slow\r\nRetry-After: 120\r\n\r\n")) as port:
        assert (await send(webhook(f"http://127.0.0.1:{port}/"), MESSAGE)).retry_after == "120"


async def test_one_that_says_nothing_is_left_in_time() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    began = time.monotonic()
    async with serving(serve) as port:
        answer = await send(webhook(f"http://127.0.0.1:{port}/", timeout_seconds=1), MESSAGE)
    assert answer.words == "no answer within 1 s"
    assert 0.9 < time.monotonic() - began < 5


async def test_nobody_there_is_told() -> None:
    async with serving(answering(b"")) as port:
        pass
    answer = await send(webhook(f"http://127.0.0.1:{port}/"), MESSAGE)
    assert answer.status is None
    assert answer.words.startswith("no connection with it: ")


async def test_a_name_that_there_is_not_is_told() -> None:
    answer = await send(webhook("http://nowhere.invalid/secret-path"), MESSAGE)
    assert answer.words.startswith("its name cannot be looked up: ")
    assert "secret" not in answer.words


async def test_a_certificate_is_verified(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path / "one"), Authority(tmp_path / "other")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue("receiver", names=("DNS:localhost",))
    server.load_cert_chain(certificate.certificate_file, certificate.key_file)

    trusted, distrusted = authority.ca_file.read_text(), other.ca_file.read_text()

    async def words(host: str, ca: str | None) -> str:
        return (await send(webhook(f"https://{host}:{port}/", ca=ca), MESSAGE)).words

    async with serving(answering(b"HTTP/1.1 204 No\r\n\r\n"), tls=server) as port:
        assert await words("localhost", trusted) == "the receiver answered 204"
        for host, ca in (("localhost", distrusted), ("localhost", None), ("127.0.0.1", trusted)):
            assert (await words(host, ca)).startswith("its certificate is not trusted: ")

    async def speak_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail\r\n")
        await reader.read()

    async with serving(speak_first) as port:
        assert (await words("localhost", trusted)).startswith("no TLS with it: ")

"""One request to a receiver: what goes over the connection, and what is made of what comes back, or does not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from support.certificates import Authority
from support.webhook_receiver import documented_verification
from understudy_controller.webhooks.file import Webhook
from understudy_controller.webhooks.sender import send
from understudy_domain.webhooks.cloud_event import Message

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtYXQtbGVhc3Q="
MESSAGE = Message("gap-one", "application/cloudevents+json", '{"words":"ü"}'.encode())

NO_ANSWER = "it ended the connection without an answer, or what it answers is not HTTP"

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
    assert set(sent) == {
        "host", "content-type", "content-length", "connection", "user-agent", "authorization",
        "webhook-id", "webhook-timestamp", "webhook-signature",
    }  # fmt: skip
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
        (b"SSH-2.0-OpenSSH\r\n\r\n", None, NO_ANSWER),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000, None, NO_ANSWER),
        (b"", None, NO_ANSWER),
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


async def test_heads_without_end_do_not_keep_the_loop_from_others() -> None:
    def flood(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            while True:
                connection.sendall(b"HTTP/1.1 100 Go on\r\n\r\n" * 3_000)

    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    with socket.create_server(("127.0.0.1", 0)) as listening:
        flooding = threading.Thread(target=flood, args=(listening,))
        flooding.start()
        others = asyncio.create_task(take_turns())
        answer = await send(webhook(f"http://127.0.0.1:{listening.getsockname()[1]}/", timeout_seconds=1), MESSAGE)
        others.cancel()
        await asyncio.to_thread(flooding.join)
    assert answer.words == "no answer within 1 s"
    assert turns > 30


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


async def test_what_stands_behind_an_answer_answers_nothing_that_is_sent_later() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                await request_of(reader)
                writer.write(b"HTTP/1.1 204 No\r\nset-cookie: a=b\r\ncontent-length: 5\r\n\r\nHello")

    async with serving(serve) as port:
        assert [(await send(webhook(f"http://127.0.0.1:{port}/"), MESSAGE)).status for _ in range(3)] == [204] * 3


async def test_one_that_has_answered_and_goes_on_without_end_has_answered() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        await asyncio.sleep(0.7)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    began = time.monotonic()
    async with serving(serve) as port:
        answer = await send(webhook(f"http://127.0.0.1:{port}/", timeout_seconds=1), MESSAGE)
    assert answer.status == 200, "else it would be sent again, for ever"
    assert time.monotonic() - began < 5


async def test_an_address_that_says_nothing_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_two(host: str, port: int, **_: Any) -> list[Any]:
        return [(None, None, None, None, (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", of_two)
    async with serving(answering(b"HTTP/1.1 204 No\r\n\r\n")) as port:
        with socket.create_server(("127.0.0.2", port), backlog=0), contextlib.ExitStack() as waiting:
            for _ in range(4):  # more than wait to be accepted: what comes now is answered nothing
                one = waiting.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(("127.0.0.2", port))
            began = time.monotonic()
            assert (await send(webhook(f"http://both.invalid:{port}/", timeout_seconds=1), MESSAGE)).status == 204
            assert time.monotonic() - began > 0.2, "the first was waited for"


async def test_names_that_hang_keep_no_other_from_being_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up, go_on = socket.getaddrinfo, threading.Event()

    def hanging(host: Any, *args: Any, **more: Any) -> Any:
        if host == "hangs.invalid":
            go_on.wait(20)
        return looked_up(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    one = webhook("http://hangs.invalid/", timeout_seconds=1)
    try:
        answers = asyncio.gather(*(send(one, MESSAGE) for _ in range(40)))
        async with asyncio.timeout(5):
            await asyncio.get_running_loop().getaddrinfo("localhost", 80)
            await asyncio.to_thread(int)
            assert {answer.words for answer in await answers} == {"no answer within 1 s"}
    finally:
        go_on.set()


async def test_nothing_of_a_request_is_logged_whatever_the_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(answering(b"HTTP/1.1 204 No\r\n\r\n")) as port:
        headers = {"Authorization": SecretStr("Bearer hidden")}
        await send(webhook(f"http://127.0.0.1:{port}/hidden?hidden", headers=headers), MESSAGE)
    assert "hidden" not in caplog.text
    assert "webhook-signature" not in caplog.text


@pytest.mark.parametrize("host", ["a..b", "a" * 70, "[fe80::1%25lo]", "[::1"])
async def test_a_host_that_is_none_is_told(host: str) -> None:
    try:
        one = webhook(f"http://{host}/hidden")
    except ValidationError:
        return
    answer = await send(one, MESSAGE)
    assert answer.status is None
    assert answer.words
    assert "hidden" not in answer.words

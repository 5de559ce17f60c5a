"""The fast path on a connection made up for it: what it answers itself, what it leaves, and when it hangs up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from typing_extensions import override

from support.http_connection import KEEP_ALIVE_SECONDS, connected
from understudy_egress.prepared import prepare_playlist
from understudy_egress.protocol import FastPathProtocol
from understudy_runtime.access_log import AccessLog, Exchange, Names
from understudy_runtime.client_address import TrustedProxies
from understudy_runtime.metrics import HttpMetrics, new_registry

PLAYLIST = prepare_playlist(b"#EXTM3U\n", route="media_playlist")
GUARDED = prepare_playlist(b"#EXTM3U\n", route="media_playlist")
GUARDED.admits = lambda identifier: identifier == b"right"


class _KeptLog(AccessLog):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__("stdout", trusted_proxies=TrustedProxies())
        self.kept: list[Exchange] = []

    @override
    def add(self, exchange: Exchange) -> None:
        self.kept.append(exchange)


class Connection:
    """A protocol whose application counts its calls and answers 204 when told."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.shown = prepare_playlist(b"#EXTM3U\n", route="media_playlist")
        self.log = _KeptLog()
        self.logged = self.log.kept
        metrics = HttpMetrics(new_registry(), service="egress")
        shown = {b"/shown": self.shown, b"/guarded": GUARDED}
        self.protocol, self.transport = connected(FastPathProtocol.bound(shown, metrics, self.log), self._app)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def request(self, path: str = "/shown", *headers: str, method: str = "GET", version: str = "1.1") -> None:
        lines = [f"{method} {path} HTTP/{version}", "Host: x", *headers, "", ""]
        self.protocol.data_received("\r\n".join(lines).encode())


@pytest.fixture
async def connection() -> Connection:
    return Connection()


@pytest.fixture(autouse=True)
def _no_leftover(connection: Connection) -> Iterator[None]:
    yield
    connection.protocol.connection_lost(None)


async def test_what_is_shown_is_answered_at_once(connection: Connection) -> None:
    connection.request()
    assert connection.transport.written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert connection.transport.written.endswith(PLAYLIST.identity.ok or b"")
    connection.request(method="HEAD")
    assert connection.transport.written.endswith(PLAYLIST.identity.head)
    connection.request("/shown", "Accept-Encoding: gzip", "Connection: keep-alive")
    assert PLAYLIST.gzip is not None
    assert connection.transport.written.endswith(PLAYLIST.gzip.body)
    assert connection.asked == 0


async def test_while_the_process_ends_the_next_answer_is_the_connections_last(connection: Connection) -> None:
    connection.request()
    connection.protocol.server_state.is_draining = True
    connection.protocol.drain()
    assert not connection.transport.closed, "a request may be on its way"
    connection.transport.written = b""
    connection.request()
    await asyncio.sleep(0.01)
    assert connection.asked == 1
    assert b"connection: close\r\n" in connection.transport.written
    assert connection.transport.closed


async def test_a_live_playlist_says_until_when_it_may_be_kept_as_of_the_second_of_the_answer(
    connection: Connection,
) -> None:
    for header in ("A: b", f"If-None-Match: {PLAYLIST.identity.etag.decode()}"):
        connection.transport.written = b""
        before = int(time.time())
        connection.request("/shown", header)
        after = int(time.time())
        answered = dict(line.split(b": ", 1) for line in connection.transport.written.splitlines() if b": " in line)
        assert answered[b"cache-control"] == b"public, max-age=1, stale-while-revalidate=0, stale-if-error=30"
        assert answered[b"x-accel-expires"] in {b"@%d" % before, b"@%d" % after}
        # nginx 1.22 passes over a Cache-Control that comes behind it.
        assert list(answered).index(b"cache-control") < list(answered).index(b"x-accel-expires")


async def test_the_second_moves_on_while_the_connection_is_kept(connection: Connection) -> None:
    said: set[bytes] = set()
    give_up_at = time.monotonic() + 3
    while len(said) < 2 and time.monotonic() < give_up_at:
        connection.transport.written = b""
        connection.request()
        said.add(connection.transport.written.partition(b"x-accel-expires: ")[2].partition(b"\r\n")[0])
        await asyncio.sleep(0.05)
    assert len(said) == 2


async def test_who_shows_the_secret_is_answered_at_once_and_nobody_after_it(connection: Connection) -> None:
    connection.request("/guarded", "x-mediapackage-cdnidentifier: right")
    assert connection.transport.written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert connection.transport.written.endswith(GUARDED.identity.ok or b"-")
    assert connection.asked == 0
    connection.request("/guarded")
    await asyncio.sleep(0)
    assert connection.asked == 1


@pytest.mark.parametrize(
    ("path", "header", "method", "version"),
    [
        ("/other", "A: b", "GET", "1.1"),
        ("/shown?start=1", "A: b", "GET", "1.1"),
        ("/shown?m=1&end=2", "A: b", "GET", "1.1"),
        ("/shown?%73tart=1", "A: b", "GET", "1.1"),
        ("/shown", "A: b", "POST", "1.1"),
        ("/shown", "A: b", "GET", "1.0"),
        ("/shown", "Connection: keep-alive", "GET", "1.0"),
        ("/shown", "Connection: close", "GET", "1.1"),
        ("/shown", "Range: bytes=0-1", "GET", "1.1"),
        ("/shown", "Content-Length: 0", "GET", "1.1"),
        ("/shown", "Expect: 100-continue", "GET", "1.1"),
        ("/shown", "Upgrade: websocket", "GET", "1.1"),
        ("/guarded", "A: b", "GET", "1.1"),
        ("/guarded", "X-MediaPackage-CDNIdentifier: wrong", "GET", "1.1"),
        ("/guarded", "X-MediaPackage-CDNIdentifier: right\r\nX-MediaPackage-CDNIdentifier: right", "GET", "1.1"),
        ("/shown", 'If-None-Match: "a"\r\nIf-None-Match: "b"', "GET", "1.1"),
    ],
)
async def test_everything_unusual_is_left_to_the_application(
    connection: Connection, path: str, header: str, method: str, version: str
) -> None:
    connection.request(path, header, method=method, version=version)
    await asyncio.sleep(0)
    assert connection.asked == 1


async def test_nothing_overtakes_a_request_that_is_still_being_answered(connection: Connection) -> None:
    connection.may_answer.clear()
    connection.request("/other")
    connection.request("/shown")
    await asyncio.sleep(0)
    assert connection.transport.written == b""
    connection.may_answer.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert connection.asked == 2  # the second went through the application as well, in its turn
    connection.request("/shown")
    assert connection.transport.written.endswith(b"#EXTM3U\n")


async def test_a_client_that_does_not_read_is_not_written_to(connection: Connection) -> None:
    connection.protocol.pause_writing()
    connection.request()
    assert connection.transport.written == b""
    await asyncio.sleep(0)
    assert connection.asked == 1
    connection.protocol.resume_writing()


async def test_what_is_answered_at_once_is_logged_where_that_is_asked_for(connection: Connection) -> None:
    names = Names.of(account="0", channel_id="news", channel_arn="a", endpoint_id="hls", endpoint_arn="b")
    connection.request()
    assert connection.logged == []
    connection.shown.logged_as = names
    connection.request("/shown?token=secret", "User-Agent: player", 'Authorization: Digest username="u"')
    connection.request("/shown", method="HEAD")
    connection.request("/shown", f"If-None-Match: {connection.shown.identity.etag.decode()}")
    whole, head, unchanged = connection.logged
    assert (whole.status, whole.method, whole.path, whole.sent_bytes) == (200, "GET", b"/shown", 8)
    assert (whole.user_agent, whole.host, whole.client, whole.names) == (b"player", b"x", "-", names)
    assert (head.status, head.method, head.sent_bytes) == (200, "HEAD", 0)
    assert (unchanged.status, unchanged.sent_bytes) == (304, 0)
    connection.shown.logged_as = None
    connection.request()
    assert len(connection.logged) == 3
    assert connection.asked == 0


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_quiet_connection_is_closed_and_a_busy_one_kept() -> None:
    connection = Connection()
    for _ in range(10):
        connection.request()
        await asyncio.sleep(KEEP_ALIVE_SECONDS - 1)
    assert not connection.transport.closed
    await asyncio.sleep(2)
    assert connection.transport.closed
    connection.protocol.connection_lost(None)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_request_that_never_ends_is_not_waited_for_but_one_being_answered_is() -> None:
    half = Connection()
    half.protocol.data_received(b"GET /shown HT")
    answering = Connection()
    answering.may_answer.clear()
    answering.request("/other")
    await asyncio.sleep(KEEP_ALIVE_SECONDS + 1)
    assert half.transport.closed
    assert not answering.transport.closed
    answering.may_answer.set()
    await asyncio.sleep(1)
    half.protocol.connection_lost(None)
    answering.protocol.connection_lost(None)

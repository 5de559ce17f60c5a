"""Windows of the past over a connection: the client reads, leaves, or comes when there is no room."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from support.http_connection import Transport, connected
from support.past import Past, slot
from support.program_entries import ENDPOINT_GUID
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_egress.delivery import Delivery
from understudy_egress.logs import EgressLogs
from understudy_egress.programme import Programme
from understudy_egress.programmes import Programmes
from understudy_egress.segments import Segments
from understudy_runtime import clock
from understudy_runtime.client_address import TrustedProxies
from understudy_runtime.http_protocol import HttpProtocol
from understudy_runtime.metrics import Scope, Send

COUNT = 513


class Held:
    """The one programme, nothing of which is logged."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme

    async def get(self, _: str) -> Programme:
        return self._programme

    def logged(self, send: Send, _scope: Scope, _guid: str) -> Send:
        return send


@pytest.fixture
def past(monkeypatch: pytest.MonkeyPatch) -> Past:
    monkeypatch.setattr(clock, "now_ticks", lambda: slot(COUNT))
    return Past(COUNT, paged=COUNT - 1)


def asking(past: Past, *, end: int, later_seconds: int = 0) -> tuple[HttpProtocol, Transport]:
    held = Held(past.programme)
    delivery = Delivery(
        cast("Programmes", held),
        cast("Segments", None),
        past.startover,
        cast("EgressLogs", held),
        trusted_proxies=TrustedProxies.parse(""),
        otherwise=lambda *_: asyncio.sleep(0),
    )
    protocol, transport = connected(HttpProtocol, delivery)
    start, until = slot(0) // TICKS_PER_SECOND, slot(end) // TICKS_PER_SECOND
    start += later_seconds
    path = f"/out/v1/{ENDPOINT_GUID}/index_v1.m3u8?start={start}&end={until}"
    protocol.data_received(f"GET {path} HTTP/1.1\r\nhost: e\r\n\r\n".encode())
    return protocol, transport


async def turns(count: int = 1000) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_playlist_that_is_sent_in_pieces_is_whole(past: Past) -> None:
    _, transport = asking(past, end=500)
    await turns()
    head, _, body = transport.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: %d" % len(body) in head
    assert body.count(b"#EXTINF") == 500
    assert body.endswith(b"#EXT-X-ENDLIST\n")


async def test_small_pieces_are_sent_together(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(Transport, "write", lambda _, data: sizes.append(len(data)))
    asking(past, end=500)
    await turns()
    assert len(sizes) == 2, "head and body"


async def test_what_clients_asked_for_that_have_left_is_not_rendered(past: Past) -> None:
    await past.playlist(0, 1)
    past.storage.close()
    asked = [asking(past, end=400 + number) for number in range(20)]
    await turns()
    for protocol, _ in asked:
        protocol.connection_lost(None)
    await turns()
    held = len(past.startover.playlists)
    past.storage.opened.set()
    await turns()
    assert len(past.startover.playlists) == held
    assert all(transport.written == b"" for _, transport in asked)


async def test_who_is_refused_is_told_to_ask_again_and_caches_to_keep_nothing(past: Past) -> None:
    await past.playlist(0, 1)
    await past.playlist(511, 512)
    past.storage.close()
    asked = [asking(past, end=450 + number, later_seconds=later) for number in range(60) for later in range(3)]
    await turns()
    told = [transport.written.partition(b"\r\n\r\n")[0].lower() for _, transport in asked if transport.written]
    assert len(told) == 180 - 4 - 128
    for head in told:
        assert head.startswith(b"http/1.1 503 ")
        assert b"cache-control: no-store\r\n" in head
        assert b"retry-after: 1" in head
    for protocol, _ in asked:
        protocol.connection_lost(None)
    await turns()
